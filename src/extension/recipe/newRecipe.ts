import type { PromptRecord } from "../../dataset/record.ts";
import { asFileName } from "../../protocol/fileName.ts";
import type { RecipeInput } from "../../protocol/recipe.ts";
import type { SourceInput } from "../../protocol/source.ts";

/** A prompt file that a new recipe is to use. */
export interface RecipeFile {
  /** Relative to the folder of the recipe, with slashes. */
  readonly path: string;
  readonly records: readonly PromptRecord[];
}

/** Prompts of each panel, so that a probe costs a few steps. */
const panelLimit = 24;

/**
 * A recipe for a model and prompt files, DCR before safety tuning. What a file is for is read off its prompts: both labels
 * make a contrast, general prompts with answers and toxic prompts with refusals make safety tuning. Splits called
 * `train`, `panel` and `test` are used as such; for what no file gives the starter set stands in.
 */
export function newRecipe(
  name: string,
  model: RecipeInput["model"],
  files: readonly RecipeFile[],
): RecipeInput {
  const has = (label: PromptRecord["label"], answered: boolean) => (file: RecipeFile) =>
    file.records.some(
      (record) => record.label === label && (!answered || (record.response ?? "").trim() !== ""),
    );
  const contrast = files.filter((file) => has("toxic", false)(file) && has("seemingly_toxic", false)(file));
  const general = files.filter(has("general", true));
  const safety = files.filter((file) => has("toxic", true)(file) && !contrast.includes(file));
  const data: RecipeInput["data"] = {
    ...(contrast.length > 0 && { contrast: contrast.map((file) => source(file, "train")) }),
    ...(general.length > 0 && {
      general: general.map((file) => ({ ...source(file, "train"), labels: ["general"] })),
    }),
    ...(safety.length > 0 && {
      safety: safety.map((file) => ({ ...source(file, "train"), labels: ["toxic"] })),
    }),
    panels: panels(contrast, general),
  };
  const tested = contrast.filter((file) => splits(file).has("test"));
  const names = suiteNames(tested.map(({ path }) => path));
  return {
    name,
    model,
    data,
    stages: [
      {
        type: "contrastive",
        loss: { type: "circle", gamma: 16 },
        retention: { batch: 4 },
        optimiser: { learningRate: 1e-3 },
        steps: 80,
      },
      { type: "supervised", optimiser: { learningRate: 4e-4 }, steps: 120 },
    ],
    ...(tested.length > 0 && {
      evaluate: {
        suites: tested.map((file, i) => ({
          name: names[i]!,
          source: { file: file.path, split: "test" },
        })),
      },
    }),
  };
}

function splits({ records }: RecipeFile): Set<string | undefined> {
  return new Set(records.map(({ split }) => split));
}

/** The file, or its split of this name where it has splits. */
function source(file: RecipeFile, split: string): SourceInput {
  return splits(file).has(split) ? { file: file.path, split } : { file: file.path };
}

/**
 * Panels are never trained on: they come from a split of their own, or from the starter set, whose prompts are not in the
 * person's files.
 */
function panels(contrast: readonly RecipeFile[], general: readonly RecipeFile[]) {
  const own = contrast.find((file) => splits(file).has("panel"));
  const answered = general.find((file) => splits(file).has("panel"));
  const pairs = own?.path ?? "starter:pairs.csv";
  const panel = { split: "panel", limit: panelLimit };
  return {
    toxic: { file: pairs, ...panel, labels: ["toxic" as const] },
    seeminglyToxic: { file: pairs, ...panel, labels: ["seemingly_toxic" as const] },
    general: { file: answered?.path ?? "starter:general.jsonl", ...panel },
  };
}

/** Names of the suites of files, which differ also where the files are called alike. */
export function suiteNames(paths: readonly string[], ...taken: readonly string[]): string[] {
  const used = new Set(taken);
  return paths.map((path) => {
    const base = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
    const name = asFileName(`${base.slice(0, 80) || "suite"}-test`, "suite");
    let unique = name;
    for (let n = 2; used.has(unique.toLowerCase()); n++) unique = `${name}-${n}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}
