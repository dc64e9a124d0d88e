/**
 * `npm run bench:blocks`: SmolLM2-135M trained from the blocks of its GGUF file, which are held as float32 where memory suffices and as
 * they are stored where it does not: peak, time of a LoRA step, and losses. Each in a process of its own, on the same answers.
 */
import { execFile } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import type { MemoryPlanRecord } from "../../../src/protocol/backend.ts";
import { usableShare } from "../../../src/recipe/memoryPlan.ts";
import { byteSize, pace, percent } from "../../../src/wording/numbers.ts";
import { realModelPath } from "../../realModel.ts";
import type { BlocksCase } from "./blocksChild.ts";

const options = new Command("bench:blocks")
  .option("--steps <n>", "steps of LoRA", "60")
  .option("--rows <n>", "answers of a step, of at most 64 tokens each", "4")
  .option("--threads <n>", "threads", "1")
  .parse()
  .opts<{ steps: string; rows: string; threads: string }>();

/** What one way of holding the model found. */
interface Found {
  readonly plan: MemoryPlanRecord;
  readonly peakBytes: number;
  /** Of the processor's time, of all threads together. */
  readonly cpuSeconds: readonly number[];
  /** In nats per token: of each step before it moved anything, and of answers that are held out after the last one. */
  readonly losses: readonly number[];
  readonly heldOut: number;
}

const [steps, rows, threads] = [options.steps, options.rows, options.threads].map(Number);
const model = await realModelPath();
const asked = { model, steps: steps!, rows: rows!, threads: threads!, available: 64e9 };
const widened = await measured(asked);
// Room for a byte less than what weights in float32 take.
const stored = await measured({ ...asked, available: (widened.plan.peakBytes - 1) / usableShare });
const step = ({ cpuSeconds }: Found) => {
  // The first steps compile.
  const sorted = cpuSeconds.slice(2).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
};
const row = (found: Found) => {
  const { plan, peakBytes, losses, heldOut } = found;
  const cells = [
    `${plan.mode}, ${plan.weights === "float32" ? "float32" : "as stored"}`,
    ...[plan.peakBytes, peakBytes].map(byteSize),
    pace(step(found)),
    ...[losses.at(-1)!, heldOut].map((loss) => loss.toFixed(4)),
  ];
  return `| ${cells.join(" | ")} |`;
};
console.log(
  [
    `${cpus()[0]!.model}, ${options.threads} threads, ${options.steps} LoRA steps of ${options.rows} answers`,
    "",
    "| plan | planned peak | peak | CPU time of a step, median | last loss | held-out loss |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    row(widened),
    row(stored),
    "",
    `As stored runs at ${percent(step(widened) / step(stored))} of the speed of float32; held-out loss differs by ${Math.abs(widened.heldOut - stored.heldOut).toExponential(1)}.`,
  ].join("\n"),
);

async function measured(asked: BlocksCase): Promise<Found> {
  const child = join(import.meta.dirname, "blocksChild.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, JSON.stringify(asked)]);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}
