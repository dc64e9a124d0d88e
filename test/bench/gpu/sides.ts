import { join } from "node:path";
import type { Request } from "../side.ts";
import type { WorkName } from "./work.ts";

type Prepare = Extract<Request, { do: "prepare" }>;

/** A way of doing the tasks on a GPU. */
export interface SideKind {
  readonly title: string;
  /** The script that answers as ours.ts does. */
  readonly script: string;
  readonly python: boolean;
  readonly request: Pick<Prepare, "backend" | "variant"> & { readonly device: "webgpu" | "torch" | "cpu" };
  /** Tasks by process. What is trained stays attached to a model, so that each process trains once, last. */
  readonly processes: readonly (readonly WorkName[])[];
}

const ours = join(import.meta.dirname, "../ours.ts");
const peer = join(import.meta.dirname, "../peer/peer.py");
const all = [["score", "generate", "lora"], ["contrastive"]] as const;

/** The sides that are measured on each shape. */
export const sideKinds = {
  webgpu: {
    title: "Discern, onnx on WebGPU",
    script: ours,
    python: false,
    request: { backend: "onnx", device: "webgpu" },
    processes: all,
  },
  torch: {
    title: "Discern, torch bf16",
    script: ours,
    python: false,
    request: { backend: "torch", device: "torch", variant: { dtype: "bfloat16", compile: false } },
    processes: all,
  },
  transformers: {
    title: "transformers and peft, bf16",
    script: peer,
    python: true,
    request: { device: "torch", variant: { dtype: "bfloat16", compile: false } },
    processes: all,
  },
  compiled: {
    title: "transformers and peft, bf16, blocks compiled",
    script: peer,
    python: true,
    request: { device: "torch", variant: { dtype: "bfloat16", compile: "blocks" } },
    // Generation with a cache that grows would be compiled anew for many lengths.
    processes: [["lora"], ["contrastive"]],
  },
} satisfies Record<string, SideKind>;

export type SideName = keyof typeof sideKinds;
