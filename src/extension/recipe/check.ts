import { contamination } from "../../dataset/hygiene.ts";
import { type Part, selectPart } from "../../dataset/parts.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError, type ErrorCode } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Source } from "../../protocol/source.ts";
import { shapeFaults } from "../../recipe/modelFit.ts";
import { readRecipe } from "../../recipe/recipeFile.ts";
import { errorCode } from "../errors.ts";
import type { ModelFacts } from "./modelFacts.ts";

/** Something about a recipe that would fail, or mislead, once it runs. */
export interface RecipeProblem {
  readonly severity: "error" | "warning";
  readonly message: string;
  /** Where the key it is about stands in the text, in UTF-16 units. */
  readonly offset: number;
  readonly length: number;
  /** What is wrong, for quick fixes. */
  readonly about: ErrorCode | "contaminated" | "data";
  /** The prompt file at fault, as the recipe names it. */
  readonly file?: string;
}

export interface CheckedRecipe {
  /** Null where the text is no recipe. */
  readonly recipe: Recipe | null;
  readonly problems: readonly RecipeProblem[];
  /** How many prompts each part has, where its files could be read. */
  readonly counts: {
    readonly toxic: number;
    readonly seeminglyToxic: number;
    readonly general: number;
    readonly safety: number;
    readonly panels: number;
    readonly suites: number;
  };
}

export interface CheckOptions {
  /** Folder of the recipe, against which its paths are resolved. */
  readonly root: string;
  /** Folder of the starter set. */
  readonly starter: string;
  /** What is known of the model of this name; null where nothing can be known now. @throws DiscernError */
  readonly model: (name: string) => Promise<ModelFacts | null>;
  /** Also tells what the JSON schema tells, for readers without an editor that has it. */
  readonly schema?: boolean;
}

/** A key of a recipe. */
type Path = readonly (string | number)[];

/**
 * Checks what no schema can: that prompt files are there and give enough prompts to each group, that no layer lies
 * beyond the model, and that nothing is evaluated that was trained on.
 */
export async function checkRecipe(text: string, options: CheckOptions): Promise<CheckedRecipe> {
  const { recipe, faults, place } = readRecipe(text);
  const problems: RecipeProblem[] = faults
    .filter(({ inSchema }) => options.schema === true || !inSchema)
    .map(({ message, offset, length }) => ({
      severity: "error",
      message,
      offset,
      length,
      about: "recipe-invalid",
    }));
  const add: Add = (path, severity, about, message, file) => {
    problems.push({ severity, about, message, ...place(path), ...(file === undefined ? {} : { file }) });
  };
  const none = { toxic: 0, seeminglyToxic: 0, general: 0, safety: 0, panels: 0, suites: 0 };
  if (recipe === null) return { recipe, problems, counts: none };
  const prompts = await readAll(recipe, options, add);
  checkGroups(recipe, prompts, add);
  checkAnswers(prompts, add);
  await checkContamination(prompts, add);
  await checkModel(recipe, options, add);
  const count = (label: PromptRecord["label"]) => prompts.contrast.filter((p) => p.label === label).length;
  return {
    recipe,
    problems: problems.sort((a, b) => a.offset - b.offset),
    counts: {
      toxic: count("toxic"),
      seeminglyToxic: count("seemingly_toxic"),
      general: prompts.general.length,
      safety: prompts.safety.length,
      panels: prompts.panels.length,
      suites: prompts.suites.reduce((sum, { records }) => sum + records.length, 0),
    },
  };
}

type Add = (
  path: Path,
  severity: RecipeProblem["severity"],
  about: RecipeProblem["about"],
  message: string,
  file?: string,
) => void;

interface Prompts {
  readonly contrast: PromptRecord[];
  readonly general: PromptRecord[];
  readonly safety: PromptRecord[];
  readonly panels: PromptRecord[];
  readonly generalPanel: PromptRecord[];
  readonly suites: { readonly at: Path; readonly name: string; readonly records: PromptRecord[] }[];
  /** Whether every source could be read: groups are counted only then. */
  readonly whole: boolean;
}

async function readAll(recipe: Recipe, { root, starter }: CheckOptions, add: Add): Promise<Prompts> {
  let whole = true;
  const read = async (part: Part, source: Source, at: Path): Promise<PromptRecord[]> => {
    try {
      const { records, notices } = await selectPart(part, source, { root, starter });
      for (const notice of notices) add(at, "warning", "data", notice, source.file);
      return records;
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      const key = error.code === "file-missing" ? [...at, "file"] : at;
      add(key, "error", error.code, error.message, source.file);
      whole = false;
      return [];
    }
  };
  const readList = async (part: Part, sources: readonly Source[]) =>
    (await Promise.all(sources.map((source, i) => read(part, source, ["data", part, i])))).flat();
  const { data, stages, evaluate } = recipe;
  const runs = (type: Recipe["stages"][number]["type"]) => stages.some((stage) => stage.type === type);
  const panels = await Promise.all(
    (["toxic", "seeminglyToxic", "general"] as const).map((name) =>
      read(`panels.${name}`, data.panels[name], ["data", "panels", name]),
    ),
  );
  return {
    contrast: runs("contrastive") ? await readList("contrast", data.contrast) : [],
    general: await readList("general", data.general),
    safety: runs("supervised") ? await readList("safety", data.safety) : [],
    panels: panels.flat(),
    generalPanel: panels[2]!,
    suites: await Promise.all(
      evaluate.suites.map(async ({ name, source }, i) => {
        const at = ["evaluate", "suites", i, "source"];
        return { at, name, records: await read("suite", source, at) };
      }),
    ),
    whole,
  };
}

/** Prompts of a group below which a contrast learns the prompts and not the difference. */
const fewPrompts = 24;

function checkGroups(recipe: Recipe, prompts: Prompts, add: Add): void {
  if (!prompts.whole) return;
  for (const stage of recipe.stages) {
    if (stage.type === "contrastive") {
      for (const [label, words] of [
        ["toxic", "toxic"],
        ["seemingly_toxic", "seemingly toxic"],
      ] as const) {
        const count = prompts.contrast.filter((record) => record.label === label).length;
        const wanted = stage.sampler.batch / 2;
        if (count >= Math.max(wanted, fewPrompts)) continue;
        const few = count < 2;
        add(
          ["data", "contrast"],
          few ? "error" : "warning",
          "group-too-small",
          few
            ? `The contrast has ${count} ${words} prompts and needs at least 2. Label more of them, or add a source.`
            : `The contrast has only ${count} ${words} prompts; half a batch are ${wanted}, and below ${fewPrompts} a ` +
                "model learns the prompts themselves. Label more of them, or add a source.",
        );
      }
    }
  }
}

/** General and safety prompts are tuned on, and the general panel is measured, by their answers: each needs one. */
function checkAnswers({ general, safety, generalPanel }: Prompts, add: Add): void {
  const parts = [
    [["data", "general"], general],
    [["data", "safety"], safety],
    [["data", "panels", "general"], generalPanel],
  ] as const;
  for (const [path, records] of parts) {
    const bare = records.filter(({ response }) => !response?.trim());
    const [first] = bare;
    if (first === undefined) continue;
    add(
      path,
      "error",
      "dataset-empty",
      `${bare.length} of the ${records.length} prompts of ${path.join(".")} have no answer to learn from; the first is in ` +
        `${first.source}, line ${first.line}. Choose prompts with a response, by "labels", "where" or another file.`,
    );
  }
}

async function checkContamination({ contrast, general, safety, suites }: Prompts, add: Add): Promise<void> {
  const training = [...contrast, ...general, ...safety];
  for (const { at, name, records } of suites) {
    const { contaminated, prompts } = await contamination(training, records);
    if (contaminated === 0) continue;
    add(
      at,
      "warning",
      "contaminated",
      `${contaminated} of the ${prompts} prompts of the suite "${name}" are, or nearly are, trained on: figures on them ` +
        "flatter. Use another split, or other files.",
    );
  }
}

async function checkModel(recipe: Recipe, { model }: CheckOptions, add: Add): Promise<void> {
  let facts: ModelFacts | null;
  try {
    facts = await model(recipe.model);
  } catch (error) {
    add(["model"], "error", errorCode(error) ?? "model-invalid", (error as Error).message);
    return;
  }
  if (facts === null) return;
  const { name, linears, architecture } = facts;
  const { layers, contextLength } = architecture;
  for (const { path, severity, message } of shapeFaults(recipe, { name, layers, contextLength, linears })) {
    add(path, severity, "recipe-invalid", `${message.charAt(0).toUpperCase()}${message.slice(1)}.`);
  }
  if (facts.tokenizerProblem !== null) add(["model"], "error", "tokenizer-missing", facts.tokenizerProblem);
}
