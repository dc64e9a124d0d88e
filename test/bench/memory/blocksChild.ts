/** One way of holding a model in a process of its own: LoRA steps on answers. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Example } from "../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../../src/engine/chat/template.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { relaunch } from "../../../src/engine/server/launch.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { cpuSeconds } from "./matrixPeak.ts";

// As the command line starts itself.
relaunch();

/** What is asked for, as JSON in the first argument. */
export interface BlocksCase {
  readonly model: string;
  readonly steps: number;
  readonly rows: number;
  readonly threads: number;
  readonly available: number;
}

const { model, steps, rows, threads, available } = JSON.parse(process.argv[2]!) as BlocksCase;
const longest = 64;
const file = join(import.meta.dirname, "../../../datasets/starter/general.jsonl");
const pairs = readFileSync(file, "utf8")
  .split("\n", 400)
  .map((line) => {
    const { prompt, response } = JSON.parse(line) as { prompt: string; response: string };
    return { prompt, answer: response };
  });
const recipe = recipeSchema.parse({
  name: "blocks",
  model,
  maxTokens: longest,
  stages: [{ type: "supervised", steps, batchSize: rows }],
  evaluate: { batchSize: 1, maxNewTokens: 1 },
});
const loaded = await loadModel(model, { needsTokenizer: true });
const encoder = new PromptEncoder(loaded.tokenizer, promptTemplate(loaded.tokenizer, "auto"));
const examples: Example[] = (await encoder.pairs(pairs))
  .filter(({ promptLength }) => promptLength < longest - 8)
  .map((each) => ({ ...each, ids: each.ids.slice(0, longest) }));
const held = examples.splice(0, 40);
const { backend, memoryPlan } = await openBackend(
  { backend: "onnx", device: "cpu", threads, memory: "auto", recipe, availableMemory: available },
  loaded,
);
const batch = (step: number) => {
  const chosen = Array.from({ length: rows }, (_, i) => examples[(step * rows + i) % examples.length]!);
  const answers = chosen.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
  return [{ kind: "answers", examples: chosen, maskPrompt: true, weight: 1 / answers, shared: 0 } as const];
};
const trainer = await backend.createTrainer({
  train: { method: "lora", rank: 16, alpha: 32, dropout: 0, targets: "all-linear" },
  optimiser: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 },
  seed: 0,
  kinds: batch(0),
});
const [took, losses]: [number[], number[]] = [[], []];
for (let step = 0; step < steps; step++) {
  const start = process.cpuUsage();
  const { loss, gradientNorm } = await trainer.backward(batch(step));
  await trainer.update(2e-4, Math.min(1, 1 / gradientNorm));
  took.push(cpuSeconds(start));
  losses.push(loss);
}
const peakBytes = process.resourceUsage().maxRSS * 1024;
await trainer.finish();
const after = await backend.losses(held);
const heldOut =
  after.reduce((sum, { loss }) => sum + loss, 0) / after.reduce((sum, { tokens }) => sum + tokens, 0);
console.log(JSON.stringify({ plan: memoryPlan, peakBytes, cpuSeconds: took, losses, heldOut }));
process.exit(0);
