import type { Manifest } from "../src/protocol/manifest.ts";

/** The manifest of a run of a tiny model. @param own what a test says of it */
export function runManifest(own: Partial<Manifest> = {}): Manifest {
  return {
    version: 1,
    name: "dcr",
    created: "2026-01-01T00:00:00Z",
    seed: 1,
    model: { name: "tiny", path: "/models/tiny", format: "hf", family: "llama", files: [] },
    data: [],
    recipe: { root: "/" },
    versions: {},
    platform: "linux-x64",
    device: "cpu",
    threads: null,
    pid: 1,
    argv: [],
    ...own,
  };
}
