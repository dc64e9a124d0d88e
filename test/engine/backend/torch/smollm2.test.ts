import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sharedPrefixLength } from "../../../../src/engine/backend/sharedPrefix.ts";
import type { PromptEncoder } from "../../../../src/engine/chat/encoding.ts";
import { openSession, releaseModel, type Session } from "../../../../src/engine/session/session.ts";
import { torchSchema } from "../../../../src/protocol/backend.ts";
import type { TrainRecipe } from "../../../../src/protocol/recipeStages.ts";
import { skipWithoutTorch } from "../../../python.ts";
import { realModelPath } from "../../../realModel.ts";
import { exchanged } from "../exchange.ts";
import {
  differences,
  expectAlike,
  type ParityOptions,
  type ParityRun,
  type ParityTexts,
  parityRun,
} from "../parity.ts";

const train: TrainRecipe = { method: "lora", rank: 16, alpha: 32, dropout: 0.05, targets: "all-linear" };
const options: ParityOptions = {
  train,
  layer: 15,
  retention: "distance",
  pooling: "last",
  newTokens: 12,
  steps: 5,
};

describe.skipIf(skipWithoutTorch("SmolLM2-135M on both backends"))("SmolLM2-135M", () => {
  let onnx: Session;
  let texts: ParityTexts;
  let reference: ParityRun;
  let torch: Session | undefined;
  const opened = async (processes: number) => {
    if (torch) await releaseModel(torch);
    const options = torchSchema.parse({ dtype: "float32", processes });
    torch = await openSession({ ...(await place()), backend: "torch", torch: options });
    expect(torch.backend.about.processes).toBe(processes);
    return torch.backend;
  };
  beforeAll(async () => {
    onnx = await openSession({ ...(await place()), backend: "onnx" });
    texts = await realTexts(onnx.encoder);
    reference = await parityRun(onnx.backend, texts, options);
  });
  afterAll(async () => {
    await releaseModel(onnx);
    if (torch) await releaseModel(torch);
  });

  it.each([1, 2])("is measured and trained by onnx and by torch in %i processes alike", async (processes) => {
    const found = differences(reference, await parityRun(await opened(processes), texts, options, reference));
    console.warn(`SmolLM2-135M, onnx against torch in ${processes}: ${JSON.stringify(found)}`);
    expectAlike(found);
  });

  it("is resumed by each from the other's checkpoint", async () => {
    // Both are as they were read: what was learned above is part of the onnx model.
    await releaseModel(onnx);
    onnx = await openSession({ ...(await place()), backend: "onnx" });
    const pair = { onnx: onnx.backend, torch: await opened(1) };
    const { apart } = await exchanged(pair, { ...texts, train, steps: 2 });
    console.warn(`SmolLM2-135M, losses after an exchange of checkpoints: ${apart} apart`);
    expect(apart).toBeLessThan(1e-3);
  });
});

/** A thread each: two files of tests share the machine. */
async function place() {
  const model = await realModelPath();
  return { model, device: "cpu", threads: 1, template: "auto", root: model } as const;
}

/** Prompts and answers of the starter set, in the model's template. */
async function realTexts(encoder: PromptEncoder): Promise<ParityTexts> {
  const folder = join(import.meta.dirname, "../../../../datasets/starter");
  const pairs = readFileSync(join(folder, "pairs.csv"), "utf8").split(/\r?\n/).slice(1, 9);
  const prompts = await Promise.all(
    pairs.map(async (line) => {
      const [, label, text] = /^[^,]*,[^,]*,[^,]*,([^,]*),"?(.*?)"?$/.exec(line)!;
      return { ids: await encoder.prompt(text!), label: label! };
    }),
  );
  const lines = readFileSync(join(folder, "general.jsonl"), "utf8").split("\n").slice(0, 4);
  const answers = lines.map((line) => JSON.parse(line) as { prompt: string; response: string });
  const examples = (
    await encoder.pairs(answers.map(({ prompt, response }) => ({ prompt, answer: response })))
  ).map((each) => ({ ...each, ids: each.ids.slice(0, 64) }));
  const openings = await Promise.all(
    ["I'm sorry", "I cannot", "I can't"].map((text) => encoder.tokenizer.encode(text)),
  );
  const shared = sharedPrefixLength([...prompts, ...examples].map(({ ids }) => ids));
  return { prompts, examples, shared, openings };
}
