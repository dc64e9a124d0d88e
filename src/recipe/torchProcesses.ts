import type { ComputeType, TorchOptions } from "../protocol/backend.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Accelerator } from "../protocol/python.ts";

/** Where and by how many a model is computed. */
export interface PlacedProcesses {
  /** Processes on this machine. */
  readonly processes: number;
  /** Whether each holds a share of the weights instead of all. */
  readonly shard: boolean;
  readonly dtype: ComputeType;
}

/** The share of a GPU's memory that weights may take where each process holds all: the rest is for activations, adapters and caches. */
const weightShare = 0.6;

/**
 * How many processes compute a model, in which type, and whether each holds all of it: one process per GPU; all of the weights
 * where they fit beside what else takes memory.
 *
 * @param accelerators GPUs of this machine, none where the CPU computes.
 * @param parameters of the model.
 * @throws DiscernError("recipe-invalid") for shares of one process.
 */
export function planProcesses(
  torch: TorchOptions,
  accelerators: readonly Accelerator[],
  parameters: number,
): PlacedProcesses {
  const processes = torch.processes === "auto" ? Math.max(1, accelerators.length) : torch.processes;
  const halves = accelerators.length > 0 && accelerators.every(({ bf16 }) => bf16);
  const dtype = torch.dtype === "auto" ? (halves ? "bfloat16" : "float32") : torch.dtype;
  const all = worldOf(torch, processes);
  if (torch.shard === "shard" && all === 1) {
    throw new DiscernError(
      "recipe-invalid",
      'torch.shard is "shard", but there is one process (torch.processes): shares need several. Use "auto" or more processes.',
    );
  }
  const room = accelerators.reduce(
    (least, { memory }) => Math.min(least, memory.total),
    Number.POSITIVE_INFINITY,
  );
  const fits = parameters * (dtype === "bfloat16" ? 2 : 4) <= weightShare * room;
  return { processes, dtype, shard: torch.shard === "shard" || (torch.shard === "auto" && all > 1 && !fits) };
}

/** Processes on all machines together. */
export function worldOf({ nodes }: Pick<TorchOptions, "nodes">, processes: number): number {
  return processes * (nodes?.count ?? 1);
}
