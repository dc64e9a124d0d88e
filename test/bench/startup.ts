import { spawnSync } from "node:child_process";
import { join } from "node:path";

const cli = join(import.meta.dirname, "../../dist/cli.js");

/** What a person waits for before anything happens; in PyTorch, until its libraries are there to be called. */
export const startup = (model: string): Record<string, { ours: string[]; peer: string[] | null }> => ({
  "start-up, until the version is shown": {
    ours: [cli, "--version"],
    peer: ["-c", "import torch, transformers, peft; print(torch.__version__)"],
  },
  "start-up, until a model is described": { ours: [cli, "inspect", model], peer: null },
});

/** Wall-clock seconds of one command. @throws Error with what it wrote when it fails. */
export function commandSeconds(command: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
  return (performance.now() - start) / 1000;
}
