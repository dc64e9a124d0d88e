import { expect, test } from "vitest";
import { type ModelDetails, modelLines, modelSummary } from "../../../src/extension/models/details.ts";

const details: ModelDetails = {
  format: "gguf",
  parameters: 134_515_008,
  bytes: 94_000_000,
  dtypes: { F32: 61, Q4_1: 211 },
  architecture: { family: "llama", layers: 30, hiddenSize: 576, contextLength: 8192 },
  tokenizer: { vocabSize: 49_152, template: "chat" },
  tokenizerProblem: null,
  warnings: [],
};

test("a model in one line", () => {
  expect(modelSummary(details)).toBe("llama · 135 M · Q4_1 · 94 MB");
});

test("a model in full, its commonest type first", () => {
  expect(modelLines(details).map(({ name, value }) => `${name}: ${value}`)).toEqual([
    "Architecture: llama",
    "Layers: 30 of 576, context 8192",
    "Parameters: 135 M",
    "Stored as: gguf: Q4_1 × 211, F32 × 61",
    "Size on disk: 94 MB",
    "Tokenizer: readable, 49152 tokens",
    "Prompt template: the model's own",
  ]);
  const hub = { id: "owner/name", commit: "a".repeat(40) };
  const plain = { ...details, tokenizer: { vocabSize: 9, template: "alpaca" as const } };
  expect(
    modelLines(plain, hub)
      .slice(-2)
      .map(({ value }) => value),
  ).toEqual(["none; Alpaca's is used", "owner/name at aaaaaaaaaaaa"]);
});

test("a model without a tokenizer says so first", () => {
  const [first] = modelLines({
    ...details,
    tokenizer: null,
    tokenizerProblem: "There is no tokenizer.json.",
  });
  expect(first).toMatchObject({ value: "There is no tokenizer.json.", icon: "warning" });
});

test("what is ignored of a model's settings stands before what it is", () => {
  const lines = modelLines({ ...details, warnings: ["One.", "Two."] });
  expect(lines.slice(0, 3).map(({ value }) => value)).toEqual(["One.", "Two.", "llama"]);
});
