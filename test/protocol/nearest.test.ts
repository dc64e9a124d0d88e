import { expect, test } from "vitest";
import { nearest } from "../../src/protocol/nearest.ts";

test.each([
  ["supervized", ["contrastive", "supervised", "preference"], "supervised"],
  ["contrast", ["contrastive", "supervised"], "contrastive"],
  ["lables", ["label", "labels"], "labels"],
  ["learning_rate", ["learningRate", "schedule"], "learningRate"],
  ["LoRA", ["lora", "full"], "lora"],
  ["optimizer", ["optimiser", "steps"], "optimiser"],
  ["gpu", ["auto", "cpu", "webgpu", "cuda"], "webgpu"],
  ["seeed", ["seed", "name"], "seed"],
  ["batch", ["batchSize", "steps"], "batchSize"],
  ["toxc", ["toxic", "seemingly_toxic", "general"], "toxic"],
])("of %s and %j, %s is meant", (word, allowed, meant) => {
  expect(nearest(word, allowed)).toBe(meant);
});

test.each([
  ["nonsense", ["name", "seed", "stages"]],
  ["x", ["y", "z"]],
  ["", ["a"]],
  ["quantum", []],
])("of %s and %j, none is meant", (word, allowed) => {
  expect(nearest(word, allowed)).toBeUndefined();
});
