/** One case of the memory benchmark in a process of its own: a model is opened within so much memory, and does its steps. */
import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { relaunch } from "../../../src/engine/server/launch.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { shapes } from "../gpu/shapes.ts";
import { workOn } from "../gpu/work.ts";
import { tasks } from "../ourTasks.ts";
import { cpuSeconds, matrixPeak } from "./matrixPeak.ts";

// As the command line starts itself.
relaunch();

/** What is asked for, as JSON in the first argument. */
export interface Case {
  readonly model: string;
  readonly shape: string;
  readonly work: "lora" | "contrastive";
  readonly memory: "auto" | "keep" | "recompute" | "stream";
  readonly available: number;
  readonly threads: number;
  /** Rows of a LoRA step, of 64 tokens each. */
  readonly rows: number;
  /** Steps; where there are several, the first, which compiles, is not measured. */
  readonly steps: number;
}

const { model, shape, work, memory, available, threads, rows, steps } = JSON.parse(process.argv[2]!) as Case;
const peak = await matrixPeak(threads);
const sized = shapes[shape]!;
const { input, operations } = workOn({ ...sized, work: { ...sized.work, rows } })[work];
const stage: RecipeInput["stages"][number] =
  work === "lora"
    ? { type: "supervised", steps: 1, batchSize: rows }
    : {
        type: "contrastive",
        steps: 1,
        layer: "layer" in input ? input.layer : 1,
        retention: { type: "none" },
      };
const recipe = recipeSchema.parse({ name: "bench", model, stages: [stage] });
const { backend, memoryPlan } = await openBackend(
  { backend: "onnx", device: "cpu", threads, memory, recipe, availableMemory: available },
  await loadModel(model),
);
const opened = process.resourceUsage().maxRSS * 1024;
const run =
  work === "lora"
    ? await tasks.lora_step(backend, input as Parameters<typeof tasks.lora_step>[1])
    : await tasks.contrastive_step(backend, input as Parameters<typeof tasks.contrastive_step>[1]);
const took: { seconds: number; cpuSeconds: number }[] = [];
const losses: unknown[] = [];
for (let step = 0; step < steps; step++) {
  const start = { time: performance.now(), cpu: process.cpuUsage() };
  losses.push(await run());
  took.push({ seconds: (performance.now() - start.time) / 1000, cpuSeconds: cpuSeconds(start.cpu) });
}
const peakBytes = process.resourceUsage().maxRSS * 1024;
const measured = steps > 1 ? took.slice(1) : took;
console.log(JSON.stringify({ plan: memoryPlan, peak, operations, opened, measured, peakBytes, losses }));
process.exit(0);
