import { expect, test } from "vitest";
import { type ModelDetails, modelLines, modelSummary } from "../../../src/extension/models/details.ts";

const details: ModelDetails = {
  format: "gguf",
  parameters: 134_515_008,
  bytes: 94_000_000,
  dtypes: { F32: 61, Q4_1: 211 },
  architecture: { family: "llama", layers: 30, hiddenSize: 576, contextLength: 8192 },
  tokenizerProblem: null,
  warnings: [],
};

test("a model in one line", () => {
  expect(modelSummary(details)).toBe("llama · 135 M · 94 MB");
});

test("a model in full, its commonest type first", () => {
  expect(modelLines(details).map(({ name, value }) => `${name}: ${value}`)).toEqual([
    "Architecture: llama",
    "Layers: 30 of 576, context 8192",
    "Parameters: 135 M",
    "Stored as: gguf: Q4_1 × 211, F32 × 61",
    "Size on disk: 94 MB",
  ]);
});

test("a model without a tokenizer says so first", () => {
  const [first] = modelLines({ ...details, tokenizerProblem: "There is no tokenizer.json." });
  expect(first).toMatchObject({ value: "There is no tokenizer.json.", icon: "warning" });
});

test("what is ignored of a model's settings stands before what it is", () => {
  const lines = modelLines({ ...details, warnings: ["One.", "Two."] });
  expect(lines.slice(0, 3).map(({ value }) => value)).toEqual(["One.", "Two.", "llama"]);
});
