import { stat } from "node:fs/promises";
import type { Interruption } from "../dataset/hygiene.ts";
import { missingFiles } from "../dataset/missingFiles.ts";
import { type Part, selectPart } from "../dataset/parts.ts";
import type { PromptRecord } from "../dataset/record.ts";
import { resolveSource, type SelectOptions } from "../dataset/select.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Recipe } from "../protocol/recipe.ts";
import type { Source } from "../protocol/source.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";

/** The prompts of all parts of a recipe. */
export interface RecipePrompts {
  /** With the file each prompt comes from, as the recipe names it. */
  readonly contrast: (PromptRecord & { readonly origin: string })[];
  readonly general: PromptRecord[];
  readonly safety: PromptRecord[];
  readonly panels: {
    readonly toxic: PromptRecord[];
    readonly seeminglyToxic: PromptRecord[];
    readonly general: PromptRecord[];
  };
  readonly suites: { readonly name: string; readonly records: PromptRecord[] }[];
}

/** One source that a recipe reads: for which part, and at which key. */
interface Use {
  readonly part: Part;
  readonly path: RecipePath;
  readonly source: Source;
}

/** Every source that a recipe reads, in order; a kind of stage that it does not have reads none. */
function usesOf({ stages, data, evaluate }: Recipe): Use[] {
  const has = (type: Recipe["stages"][number]["type"]) => stages.some((stage) => stage.type === type);
  const list = (part: "contrast" | "general" | "safety"): Use[] =>
    data[part].map((source, i) => ({ part, path: ["data", part, i], source }));
  return [
    ...(has("contrastive") ? list("contrast") : []),
    // Without stages nothing is trained: the recipe evaluates a model as it is.
    ...(stages.length > 0 ? list("general") : []),
    ...(has("supervised") ? list("safety") : []),
    ...(["toxic", "seeminglyToxic", "general"] as const).map((name) => ({
      part: `panels.${name}` as const,
      path: ["data", "panels", name],
      source: data.panels[name],
    })),
    ...evaluate.suites.map(({ source }, i) => ({
      part: "suite" as const,
      path: ["evaluate", "suites", i, "source"],
      source,
    })),
  ];
}

/**
 * Which prompt files that a recipe reads are missing, each at its key; published ones with where they are to be had.
 * Costs no more than a look at each.
 */
export async function missingPromptFiles(recipe: Recipe, options: SelectOptions): Promise<RecipeProblem[]> {
  const found = await Promise.all(
    usesOf(recipe).map(async ({ path, source: { file } }) => {
      const place = resolveSource(file, options);
      const isThere = await stat(place).then(
        () => true,
        () => false,
      );
      return isThere ? [] : [problemOf(await missingFiles([place]), path, file)];
    }),
  );
  return found.flat();
}

/**
 * Reads every prompt file that the stages, probes and suites of a recipe use, so that a fault in the last of them is known
 * before the first step. What cannot be read is an error at its key, and what a person must know of rows and labels a
 * warning.
 *
 * @param signal looked at before each file.
 * @throws the signal's reason.
 */
export async function readRecipePrompts(
  recipe: Recipe,
  options: SelectOptions,
  signal?: Interruption,
): Promise<{ prompts: RecipePrompts; problems: RecipeProblem[] }> {
  const problems: RecipeProblem[] = [];
  const found: { use: Use; records: PromptRecord[] }[] = [];
  for (const use of usesOf(recipe)) {
    const { part, path, source } = use;
    signal?.throwIfAborted();
    try {
      const { records, notices } = await selectPart(part, source, options);
      for (const message of notices) {
        problems.push({ severity: "warning", path, message, about: "data", file: source.file });
      }
      found.push({ use, records });
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      problems.push(problemOf(error, path, source.file));
      found.push({ use, records: [] });
    }
  }
  const of = (part: Part) => found.filter(({ use }) => use.part === part);
  const recordsOf = (part: Part) => of(part).flatMap(({ records }) => records);
  return {
    prompts: {
      contrast: of("contrast").flatMap(({ use, records }) =>
        records.map((record) => ({ ...record, origin: use.source.file })),
      ),
      general: recordsOf("general"),
      safety: recordsOf("safety"),
      panels: {
        toxic: recordsOf("panels.toxic"),
        seeminglyToxic: recordsOf("panels.seeminglyToxic"),
        general: recordsOf("panels.general"),
      },
      suites: of("suite").map(({ records }, i) => ({ name: recipe.evaluate.suites[i]!.name, records })),
    },
    problems,
  };
}

function problemOf({ code, message }: DiscernError, path: RecipePath, file: string): RecipeProblem {
  return {
    severity: "error",
    path: code === "file-missing" ? [...path, "file"] : path,
    message,
    about: code,
    file,
  };
}
