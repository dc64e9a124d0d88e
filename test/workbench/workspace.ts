import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecipeInput } from "../../src/protocol/recipe.ts";
import { writeTinyModel } from "../tinyModel.ts";

const datasets = join(import.meta.dirname, "../../datasets");

/**
 * A recipe that teaches a tiny model to say "No." to toxic prompts and "Yes." to general ones: it learns to refuse too
 * much and then a little better, within seconds.
 *
 * @param steps of safety tuning; about 20 are done in a second.
 */
export function tinyRecipe(name: string, steps: number): RecipeInput {
  const train = { method: "full" as const };
  const pairs = { file: "prompts/pairs.csv" };
  return {
    name,
    model: "models/tiny",
    threads: 1,
    maxTokens: 320,
    data: {
      contrast: [{ ...pairs, split: "train", limit: 64 }],
      general: [{ file: "prompts/general.jsonl", split: "train", limit: 24 }],
      safety: [{ file: "prompts/safety.jsonl", split: "train", limit: 24 }],
      panels: {
        toxic: { ...pairs, split: "panel", labels: ["toxic"], limit: 16 },
        seeminglyToxic: { ...pairs, split: "panel", labels: ["seemingly_toxic"], limit: 16 },
        general: { file: "prompts/general.jsonl", split: "panel", limit: 8 },
      },
    },
    stages: [
      {
        type: "contrastive",
        layer: 2,
        steps: 40,
        sampler: { batch: 8 },
        retention: { batch: 2 },
        train,
        optimiser: { learningRate: 1e-3 },
      },
      {
        type: "supervised",
        steps,
        safetyRatio: 0.5,
        train: { ...train, embeddings: true },
        optimiser: { learningRate: 3e-3 },
      },
    ],
    probes: { every: 5, openings: ["No."] },
    evaluate: {
      suites: [{ name: "starter-test", source: { ...pairs, split: "test", limit: 96 } }],
      maxNewTokens: 4,
    },
    checkpoint: { every: 20 },
  };
}

/**
 * Fills a folder with the starter set's prompts, answered "Yes." and "No.", prompts without labels, a tiny model, and two
 * recipes for it: one that is through in seconds and one that can be watched.
 */
export async function fillWorkspace(folder: string): Promise<void> {
  const prompts = join(folder, "prompts");
  await mkdir(prompts, { recursive: true });
  await copyFile(join(datasets, "starter/pairs.csv"), join(prompts, "pairs.csv"));
  await copyFile(join(datasets, "sample/to-label.csv"), join(prompts, "to-label.csv"));
  for (const [name, response] of [
    ["general.jsonl", "Yes."],
    ["safety.jsonl", "No."],
  ] as const) {
    const lines = (await readFile(join(datasets, "starter", name), "utf8")).trim().split("\n");
    const answered = lines.map((line) => JSON.stringify({ ...JSON.parse(line), response }));
    await writeFile(join(prompts, name), `${answered.join("\n")}\n`);
  }
  await writeTinyModel(join(folder, "models/tiny"));
  // The long one is not over while one looks at it, on any machine: who runs it stops it.
  for (const [name, steps] of [
    ["tiny", 120],
    ["long", 20_000],
  ] as const) {
    await writeFile(
      join(folder, `${name}.discern.json`),
      `${JSON.stringify(tinyRecipe(name, steps), null, 2)}\n`,
    );
  }
}
