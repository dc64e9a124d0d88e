import { stat } from "node:fs/promises";
import type { Interruption } from "../dataset/hygiene.ts";
import { missingFiles } from "../dataset/missingFiles.ts";
import { type Part, selectPart } from "../dataset/parts.ts";
import type { PromptRecord } from "../dataset/record.ts";
import { resolveSource, type SelectOptions } from "../dataset/select.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { MissingSuite } from "../protocol/missingSuite.ts";
import { panelSources, type Recipe } from "../protocol/recipe.ts";
import type { StageKind } from "../protocol/recipeStages.ts";
import type { Source } from "../protocol/source.ts";
import { groupsOf, type SteeringGroup } from "../protocol/steering.ts";
import { isOwnSuite, type Suite } from "../protocol/suite.ts";
import { isFetchable, suitePrefix } from "../suites/locate.ts";
import { knownSuites } from "../suites/registry.ts";
import { heldOut, onlyHeldOut, withoutHeldOut } from "./holdOut.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";
import {
  type ChoiceSuite,
  locatedSuite,
  type PromptSuite,
  readSuite,
  SuiteMissing,
  type SuiteOptions,
} from "./suites.ts";
import { contrastsOf, helpfulUse } from "./uses.ts";

/** A prompt with the file it comes from, as the recipe names it. */
export type PlacedRecord = PromptRecord & { readonly origin: string };

/** The prompts of all parts of a recipe. */
export interface RecipePrompts {
  readonly contrast: PlacedRecord[];
  readonly general: PlacedRecord[];
  readonly safety: PlacedRecord[];
  /** Seemingly toxic prompts that are answered helpfully; triggers made by a model are none of them. */
  readonly helpful: PlacedRecord[];
  readonly panels: {
    readonly toxic: PlacedRecord[];
    readonly seeminglyToxic: PlacedRecord[];
    readonly general: PlacedRecord[];
  };
  /** What the inference-time method is fitted on; empty for groups that it does not need. */
  readonly steering: Readonly<Record<SteeringGroup, PromptRecord[]>>;
  /** Suites whose answers are judged for refusal. */
  readonly suites: (PromptSuite & { readonly task: "refusal" })[];
  /** Suites of questions of several choices. */
  readonly choices: ChoiceSuite[];
  /** Suites whose answers are compared with reference answers. */
  readonly pairwise: (PromptSuite & { readonly task: "pairwise" })[];
  /** Suites that cannot be had on this machine, where the recipe has that reported. */
  readonly missing: MissingSuite[];
}

/** One source of `data` that a recipe reads: for which part, and at which key. */
interface Use {
  readonly part: Part;
  readonly path: RecipePath;
  readonly source: Source;
  /** Whether no stage reads it, and a steering is fitted on it. */
  readonly forSteering?: boolean;
}

/** Every source of `data` that a recipe reads, in order; a kind of stage that it does not have reads none. */
function usesOf(recipe: Recipe): Use[] {
  const { stages, data, steering } = recipe;
  const has = (...types: StageKind[]) => stages.some(({ type }) => types.includes(type));
  const list = (part: "contrast" | "general" | "safety" | "helpful"): Use[] =>
    data[part].map((source, i) => ({ part, path: ["data", part, i], source }));
  const read: Use[] = [
    ...(contrastsOf(recipe).length > 0 ? list("contrast") : []),
    // Without stages nothing is trained: the recipe evaluates a model as it is.
    ...(has("contrastive", "supervised") ? list("general") : []),
    ...(has("supervised", "preference") ? list("safety") : []),
    ...(helpfulUse(recipe) !== null ? list("helpful") : []),
  ];
  const fitted: Use[] = (steering ? groupsOf[steering.type] : []).flatMap((group): Use[] => {
    const named = steering?.data[group];
    return named === undefined
      ? list(defaultPart[group]).map((use) => ({ ...use, forSteering: true }))
      : named.map((source, i) => ({
          part: `steering.${group}` as const,
          path: ["steering", "data", group, i],
          source,
        }));
  });
  return [
    ...read,
    // What a stage or another group reads is not read again.
    ...fitted.filter(
      ({ path }, i) => ![...read, ...fitted.slice(0, i)].some((other) => String(other.path) === String(path)),
    ),
    ...(["toxic", "seeminglyToxic", "general"] as const).flatMap((name) => {
      const panel = data.panels[name];
      const path = ["data", "panels", name];
      return panelSources(panel).map((source, i) => ({
        part: `panels.${name}` as const,
        path: Array.isArray(panel) ? [...path, i] : path,
        source,
      }));
    }),
  ];
}

/** Where the prompts of a steering's group come from where the recipe names no sources of them. */
const defaultPart: Record<SteeringGroup, "contrast" | "general" | "safety"> = {
  harmful: "contrast",
  harmless: "general",
  pseudoHarmful: "contrast",
  refusals: "safety",
  answers: "general",
};

/** Where a recipe's suites are looked for. */
function suiteOptions({ evaluate }: Recipe, options: SelectOptions): SuiteOptions {
  return { ...options, suiteFolder: evaluate.suiteFolder };
}

/** The key of a suite that a fault of its files is about. */
function suitePath({ evaluate }: Recipe, i: number): RecipePath {
  const path = ["evaluate", "suites", i];
  return isOwnSuite(evaluate.suites[i]!) ? [...path, "source"] : path;
}

/**
 * Which prompt files that a recipe reads are missing, each at its key; published ones with where they are to be had.
 * Costs no more than a look at each.
 */
export async function missingPromptFiles(recipe: Recipe, options: SelectOptions): Promise<RecipeProblem[]> {
  const { suites, missing: inCase } = recipe.evaluate;
  const found = await Promise.all([
    ...usesOf(recipe).map(({ path, source: { file } }) => missingFile(file, path, options)),
    ...(inCase === "report" ? [] : suites).map((_, i) => missingSuite(recipe, i, options)),
  ]);
  return found.flat();
}

/**
 * Those of the suites that a run began without which cannot be had now either. Costs no more than a look at each.
 *
 * @param missing suites of the recipe, as they were missing.
 */
export async function stillMissing(
  recipe: Recipe,
  missing: readonly MissingSuite[],
  options: SelectOptions,
): Promise<MissingSuite[]> {
  const found = await Promise.all(
    missing.map(async (one) => {
      const i = recipe.evaluate.suites.findIndex(({ name }) => name === one.suite);
      return i >= 0 && (await missingSuite(recipe, i, options)).length === 0 ? [] : [one];
    }),
  );
  return found.flat();
}

async function missingSuite(recipe: Recipe, i: number, options: SelectOptions): Promise<RecipeProblem[]> {
  const suite = recipe.evaluate.suites[i]!;
  const path = suitePath(recipe, i);
  if (isOwnSuite(suite)) return missingFile(suite.source.file, path, options);
  try {
    await locatedSuite(suite, suiteOptions(recipe, options));
    return [];
  } catch (error) {
    if (!(error instanceof DiscernError)) throw error;
    return [suiteProblem(error, path, suite)];
  }
}

async function missingFile(file: string, path: RecipePath, options: SelectOptions): Promise<RecipeProblem[]> {
  const place = placeOf(file, options);
  if (place instanceof DiscernError) return [problemOf(place, path, file)];
  const isThere = await stat(place).then(
    () => true,
    () => false,
  );
  return isThere ? [] : [problemOf(await missingFiles([place]), path, file)];
}

/**
 * Reads every prompt file that the stages, probes and suites of a recipe use, so that a fault in the last of them is known
 * before the first step. What cannot be read is an error at its key, or information where the recipe has it reported; what a person must
 * know of rows and labels is a warning.
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
  const held = heldOut(recipe);
  for (const use of usesOf(recipe)) {
    const { part, path, source } = use;
    signal?.throwIfAborted();
    try {
      const trains = !part.startsWith("panels.");
      const { records, notices } = await selectPart(
        part,
        trains ? withoutHeldOut(source, held) : source,
        options,
      );
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
  const suites = await readSuites(recipe, options, problems, signal);
  const of = (part: Part) => found.filter(({ use }) => use.part === part && !use.forSteering);
  const recordsOf = (part: Part): PlacedRecord[] =>
    of(part).flatMap(({ use, records }) => records.map((record) => ({ ...record, origin: use.source.file })));
  return {
    prompts: {
      contrast: recordsOf("contrast"),
      general: recordsOf("general"),
      safety: recordsOf("safety"),
      helpful: recordsOf("helpful"),
      panels: {
        toxic: recordsOf("panels.toxic"),
        seeminglyToxic: recordsOf("panels.seeminglyToxic"),
        general: recordsOf("panels.general"),
      },
      steering: steeringPrompts(recipe, (part) =>
        found.filter(({ use }) => use.part === part).flatMap(({ records }) => records),
      ),
      ...suites,
    },
    problems,
  };
}

/** The prompts of each group that a steering needs. @param recordsOf those of a part, whoever reads them. */
function steeringPrompts(
  { steering }: Recipe,
  recordsOf: (part: Part) => PromptRecord[],
): Record<SteeringGroup, PromptRecord[]> {
  const of = (group: SteeringGroup): PromptRecord[] => {
    if (!steering || !groupsOf[steering.type].includes(group)) return [];
    if (steering.data[group] !== undefined) return recordsOf(`steering.${group}`);
    const records = recordsOf(defaultPart[group]);
    if (defaultPart[group] !== "contrast") return records;
    return records.filter(({ label }) => label === (group === "harmful" ? "toxic" : "seemingly_toxic"));
  };
  return {
    harmful: of("harmful"),
    harmless: of("harmless"),
    pseudoHarmful: of("pseudoHarmful"),
    refusals: of("refusals"),
    answers: of("answers"),
  };
}

function placeOf(file: string, options: SelectOptions): string | DiscernError {
  try {
    return resolveSource(file, options);
  } catch (error) {
    if (error instanceof DiscernError) return error;
    throw error;
  }
}

/** Reads the suites of a recipe. What cannot be had is an error, or one of `missing` where the recipe has it reported. */
async function readSuites(
  recipe: Recipe,
  options: SelectOptions,
  problems: RecipeProblem[],
  signal: Interruption | undefined,
): Promise<Pick<RecipePrompts, "suites" | "choices" | "pairwise" | "missing">> {
  const read: Pick<RecipePrompts, "suites" | "choices" | "pairwise" | "missing"> = {
    suites: [],
    choices: [],
    pairwise: [],
    missing: [],
  };
  for (const [i, suite] of recipe.evaluate.suites.entries()) {
    const path = suitePath(recipe, i);
    const file = fileOf(suite);
    try {
      const found = await readSuite(
        onlyHeldOut(suite, heldOut(recipe)),
        suiteOptions(recipe, options),
        signal,
      );
      for (const message of found.notices) {
        problems.push({ severity: "warning", path, message, about: "data", ...file });
      }
      if (found.task === "choice") read.choices.push(found);
      else if (found.task === "pairwise") read.pairwise.push({ ...found, task: "pairwise" });
      else read.suites.push({ ...found, task: "refusal" });
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      if (error.code === "file-missing" && recipe.evaluate.missing === "report") {
        read.missing.push({ suite: suite.name, reason: error.message });
        const message = `${error.message} The report will list it as missing.`;
        problems.push({ ...suiteProblem(error, path, suite), severity: "information", message });
        continue;
      }
      problems.push(suiteProblem(error, path, suite));
    }
  }
  return read;
}

/** The prompt file of a suite, as a problem names it; none of a suite of several files, or of a person's suite file. */
function fileOf(suite: Suite): { file?: string } {
  if (isOwnSuite(suite)) return { file: suite.source.file };
  const known = knownSuites.find(({ id }) => id === suite.suite);
  return known?.files.length === 1 ? { file: `${suitePrefix}${known.id}` } : {};
}

function suiteProblem(error: DiscernError, path: RecipePath, suite: Suite): RecipeProblem {
  if (isOwnSuite(suite)) return problemOf(error, path, suite.source.file);
  const { code, message } = error;
  const fetch = error instanceof SuiteMissing ? error.fetchedAs : null;
  const fetched = fetch === null ? {} : { fetch };
  return { severity: "error", path, message, about: code, ...fileOf(suite), ...fetched };
}

function problemOf({ code, message }: DiscernError, path: RecipePath, file: string): RecipeProblem {
  return {
    severity: "error",
    path: code === "file-missing" ? [...path, "file"] : path,
    message,
    about: code,
    file,
    ...(code === "file-missing" && fetchedBy(file)),
  };
}

/** By which suite a missing source is fetched that names published data. */
function fetchedBy(file: string): { fetch?: string } {
  if (!file.startsWith(suitePrefix)) return {};
  const id = file.slice(suitePrefix.length).split("/")[0];
  const suite = knownSuites.find((known) => known.id === id);
  return suite !== undefined && isFetchable(suite) ? { fetch: suite.id } : {};
}
