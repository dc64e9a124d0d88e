import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { computeTypeSchema } from "../../../protocol/backend.ts";
import { pythonEnvironment } from "../../python/probe.ts";
import { ownGroup, signalGroup } from "../../python/processGroup.ts";
import { type TrainedBlock, trialBatch } from "./block.ts";

/** A type and a way to run a block that PyTorch is timed with. */
export interface TorchVariant {
  readonly dtype: z.infer<typeof computeTypeSchema>;
  readonly compiled: boolean;
}

/** What the trial prints of one variant. */
export const torchTrialSchema = z.object({
  dtype: computeTypeSchema,
  compiled: z.boolean(),
  /** Time of the block; null where there is a problem. */
  milliseconds: z.number().nullable(),
  problem: z.string().nullable(),
});
/** What became of one variant. */
export type TorchTrial = z.infer<typeof torchTrialSchema>;

export interface TorchTrialRequest {
  readonly python: string;
  readonly device: "cpu" | "cuda";
  readonly threads?: number | undefined;
  readonly block: TrainedBlock;
  /** Timed in this order: what takes longest to prepare comes last. */
  readonly variants: readonly TorchVariant[];
}

/** Milliseconds for all variants: importing PyTorch takes seconds, compiling a block half a minute. */
const patience = 180_000;

/**
 * Times a decoder block by PyTorch in a process of its own, which breaks alone and ends with its answer. Whatever becomes of it, there is
 * an answer for each variant.
 *
 * @param limit milliseconds for all of them.
 */
export async function tryTorch(
  { python, device, threads, block, variants }: TorchTrialRequest,
  limit: number = patience,
): Promise<TorchTrial[]> {
  const { architecture, rank } = block;
  const { rows, tokens } = trialBatch(architecture);
  const request = {
    ...{ device, rank, rows, tokens, variants },
    ...(threads === undefined ? {} : { threads }),
    block: {
      hidden: architecture.hiddenSize,
      intermediate: architecture.intermediateSize,
      heads: architecture.heads,
      keyValueHeads: architecture.kvHeads,
      headSize: architecture.headDim,
    },
  };
  const child = execa(python, ["-m", "worker.trial", JSON.stringify(request)], {
    ...ownGroup,
    env: {
      ...pythonEnvironment,
      PYTHONPATH: [workerRoot(), process.env.PYTHONPATH].filter(Boolean).join(delimiter),
    },
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signalGroup(child.pid, "SIGKILL");
  }, limit);
  const ended = await child;
  clearTimeout(timer);
  const found = ended.stdout.split("\n").flatMap(trialIn);
  const last = ended.stderr.trim().split("\n").at(-1);
  const problem = late
    ? `It did not finish within ${limit / 1_000} s.`
    : `Its process ended (${ended.signal ?? ended.exitCode ?? ended.code})${last ? `: ${last}` : "."}`;
  return variants.map(
    (variant) =>
      found.find(({ dtype, compiled }) => dtype === variant.dtype && compiled === variant.compiled) ?? {
        ...variant,
        milliseconds: null,
        problem,
      },
  );
}

/** The trial that a line of output tells of; libraries print there as well. */
function trialIn(line: string): TorchTrial[] {
  try {
    return [z.object({ trial: torchTrialSchema }).parse(JSON.parse(line)).trial];
  } catch {
    return [];
  }
}

/** The folder of the worker's package: beside the bundle, or in the sources. */
function workerRoot(): string {
  const bundled = join(import.meta.dirname, "torch");
  return existsSync(bundled) ? bundled : join(import.meta.dirname, "..", "torch");
}
