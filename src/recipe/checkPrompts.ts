import {
  type Contamination,
  contamination,
  type Interruption,
  type TrainingPart,
} from "../dataset/hygiene.ts";
import { shortened } from "../dataset/notices.ts";
import { type PromptRecord, promptId } from "../dataset/record.ts";
import { judgeQuestion } from "../protocol/judges.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { groupsOf, type Steering } from "../protocol/steering.ts";
import { isOwnSuite } from "../protocol/suite.ts";
import { greatestOf } from "../statistics/extremes.ts";
import { type LabelledPrompt, stratifiedFolds } from "../statistics/folds.ts";
import { openingsOverlap } from "./openings.ts";
import type { RecipePath, RecipeProblem } from "./problem.ts";
import type { RecipePrompts } from "./prompts.ts";
import { lackingPairs, type MixedGroup, mixedGroups, mixFault, ratioKey, SafetyMix } from "./safetyMix.ts";
import { stageSteps } from "./stageSteps.ts";
import type { ChoiceSuite } from "./suites.ts";
import { unjudgedSuites } from "./unjudged.ts";
import { contrastsOf } from "./uses.ts";

/** What stages learn from: the prompts of the contrast, and how many pairs of each group. */
export interface StagePrompts extends Readonly<Record<MixedGroup, number>> {
  readonly contrast: readonly LabelledPrompt[];
  /** Safety pairs that share their pair with a helpful prompt. */
  readonly triggered: number;
}

/** Prompts of a group below which a contrast learns the prompts and not the difference. */
const fewPrompts = 24;

/** Why layer "auto" cannot choose. */
export const noneHeldOut =
  'Layer "auto" tries probes on prompts held out, and the contrast has too few matched pairs or single prompts of either ' +
  "label to hold any out. Add prompts, or give the number of a layer.";

const noTriggers =
  "No prompt of data.safety shares its pair with a prompt of data.helpful, so none has a trigger. Name sources whose rows have " +
  'the same values in a column `pair`, or have triggers made with data.triggers {"type": "model"}.';

/**
 * What would end a stage, or weaken it, for lack of prompts: groups that are too small, prompts of which none can be held
 * out, pairs that a share asks for and nobody gave.
 */
export function stageProblems(recipe: Recipe, prompts: StagePrompts): RecipeProblem[] {
  return [...contrastProblems(recipe, prompts.contrast), ...mixProblems(recipe, prompts)];
}

function contrastProblems(recipe: Recipe, contrast: readonly LabelledPrompt[]): RecipeProblem[] {
  const contrasts = contrastsOf(recipe);
  if (contrasts.length === 0) return [];
  const half = greatestOf(contrasts.map(({ sampler }) => sampler.batch)) / 2;
  const about = { path: ["data", "contrast"], about: "group-too-small" } as const;
  const small = (["toxic", "seemingly_toxic"] as const).flatMap((label): RecipeProblem[] => {
    const count = contrast.filter((prompt) => prompt.label === label).length;
    if (count >= Math.max(half, fewPrompts)) return [];
    const words = `${label === "toxic" ? "toxic" : "seemingly toxic"} ${count === 1 ? "prompt" : "prompts"}`;
    const more = "Label more of them, or add a source.";
    return count < 2
      ? [
          {
            ...about,
            severity: "error",
            message: `The contrast has ${count} ${words} and needs at least 2. ${more}`,
          },
        ]
      : [
          {
            ...about,
            severity: "warning",
            message:
              `The contrast has only ${count} ${words}; half a batch is ${half}, and with fewer than ${fewPrompts} a model learns ` +
              `the prompts themselves. ${more}`,
          },
        ];
  });
  if (small.some(({ severity }) => severity === "error")) return small;
  const auto = contrasts.filter(({ chooses }) => chooses);
  if (auto.length === 0 || stratifiedFolds(contrast, recipe.seed) !== null) return small;
  const unheld = auto.map(
    ({ path }): RecipeProblem => ({
      severity: "error",
      path: [...path, "layer"],
      about: "group-too-small",
      message: noneHeldOut,
    }),
  );
  return [...small, ...unheld];
}

function mixProblems({ stages, data }: Recipe, prompts: StagePrompts): RecipeProblem[] {
  return stages.flatMap((stage, i): RecipeProblem[] => {
    if (stage.type !== "supervised") return [];
    const path = ["stages", i];
    const { perBatch } = new SafetyMix(stage);
    const lacking = mixedGroups.filter((name) => perBatch[name] > 0 && prompts[name] === 0);
    if (lacking.length > 0) {
      return lacking.map((name) => ({
        severity: "error",
        path: [...path, ratioKey[name]],
        about: "group-too-small",
        message: lackingPairs(stage, name),
      }));
    }
    if (stage.triggers && data.triggers.type === "pairs" && prompts.triggered === 0) {
      return [
        { severity: "error", path: [...path, "triggers"], about: "group-too-small", message: noTriggers },
      ];
    }
    const fault = mixFault(stage, stageSteps(stage, prompts.general) ?? 1);
    return fault === null
      ? []
      : [{ severity: "error", path: [...path, fault.key], about: "recipe-invalid", message: fault.message }];
  });
}

/** What prompts have in common with those that are trained on. */
export interface RecipeContamination {
  readonly suites: readonly (Contamination & { readonly suite: string })[];
  readonly panels: Contamination;
}

/** How many of the safety prompts share their pair with a helpful prompt. */
export function triggered(
  safety: readonly Pick<PromptRecord, "pair">[],
  helpful: readonly Pick<PromptRecord, "pair">[],
): number {
  const pairs = new Set(helpful.flatMap(({ pair }) => pair ?? []));
  return safety.filter(({ pair }) => pair !== undefined && pairs.has(pair)).length;
}

/**
 * What is wrong with the prompts of a recipe: see `stageProblems`; pairs without an answer; and what is evaluated or
 * monitored although it is trained on.
 *
 * @param isWhole whether all files could be read: groups are counted only then.
 * @throws the signal's reason when it is aborted.
 */
export async function checkPrompts(
  recipe: Recipe,
  prompts: RecipePrompts,
  isWhole: boolean,
  signal?: Interruption,
): Promise<{ problems: RecipeProblem[]; contamination: RecipeContamination }> {
  const { general, safety, helpful } = prompts;
  const contrast = prompts.contrast.flatMap(({ label, kind, pair }) =>
    label === "toxic" || label === "seemingly_toxic"
      ? [{ label, ...(kind === undefined ? {} : { kind }), ...(pair === undefined ? {} : { pair }) }]
      : [],
  );
  const counted = {
    contrast,
    general: general.length,
    safety: safety.length,
    helpful: helpful.length,
    triggered: triggered(safety, helpful),
  };
  const found = await findContamination(prompts, signal);
  return {
    problems: [
      ...(isWhole ? stageProblems(recipe, counted) : []),
      ...(isWhole ? steeringProblems(recipe, prompts) : []),
      ...answerProblems(recipe, prompts),
      ...contaminationProblems(recipe, found),
      ...openingsOverlap(recipe.probes.openings, prompts.suites).map(({ suite, message }): RecipeProblem => {
        return { severity: "warning", path: suitePath(recipe, suite), about: "contaminated", message };
      }),
      ...judgeProblems(recipe, prompts),
    ],
    contamination: found,
  };
}

function suitePath({ evaluate }: Recipe, suite: string): RecipePath {
  return ["evaluate", "suites", evaluate.suites.findIndex(({ name }) => name === suite)];
}

/** Suites whose answers no judge reads. */
function judgeProblems(recipe: Recipe, { suites, pairwise }: RecipePrompts): RecipeProblem[] {
  const { judges, scoreOnly } = recipe.evaluate;
  // Nothing is answered, so nothing is judged.
  if (scoreOnly) return [];
  return unjudgedSuites([...suites, ...pairwise], judges.map(judgeQuestion)).map(({ suite, message }) => ({
    ...{ severity: "warning", path: suitePath(recipe, suite), about: "recipe-invalid", message },
  }));
}

/** Different prompts of a group below which a steering cannot be fitted, and below which its vectors are those of the prompts. */
const steered = { least: 4, few: 24 };

function steeringProblems({ steering }: Recipe, prompts: RecipePrompts): RecipeProblem[] {
  if (steering === undefined) return [];
  const few = groupsOf[steering.type].flatMap((group): RecipeProblem[] => {
    const count = new Set(prompts.steering[group].map(({ id }) => id)).size;
    if (count >= steered.few) return [];
    const named = steering.data[group] !== undefined;
    const found = `The steering has ${count} different ${group === "pseudoHarmful" ? "pseudo-harmful" : group} prompts`;
    const about = {
      path: named ? ["steering", "data", group] : ["steering"],
      about: "group-too-small",
    } as const;
    return count < steered.least
      ? [
          {
            ...about,
            severity: "error",
            message: `${found} and needs at least ${steered.least}. Name sources by steering.data.${group}.`,
          },
        ]
      : [
          {
            ...about,
            severity: "warning",
            message: `${found}: with fewer than ${steered.few} its vectors are those of the prompts themselves. Add prompts.`,
          },
        ];
  });
  return [...few, ...categoryProblems(steering, prompts.steering.harmful)];
}

/** Conditions by category need categories with prompts enough. */
function categoryProblems(steering: Steering, harmful: readonly PromptRecord[]): RecipeProblem[] {
  if (steering.type !== "cast" || steering.conditions !== "categories" || harmful.length === 0) return [];
  const categories = Map.groupBy(harmful, ({ kind }) => kind);
  const isLarge = [...categories].some(
    ([kind, of]) => kind !== undefined && new Set(of.map(({ id }) => id)).size >= steered.least,
  );
  if (isLarge) return [];
  return [
    {
      severity: "error",
      path: ["steering", "conditions"],
      about: "group-too-small",
      message:
        `No category of the harmful prompts has ${steered.least} different ones, and each condition is taken from one category. Set ` +
        'steering.conditions to "one", or name a column of categories by columns.kind of their source.',
    },
  ];
}

/**
 * General and safety prompts, and helpful ones with given answers, are trained on, and the general panel is measured, by their
 * answers: each needs one.
 */
function answerProblems(
  { data }: Recipe,
  { general, safety, helpful, panels }: RecipePrompts,
): RecipeProblem[] {
  const parts: [RecipePath, readonly PromptRecord[], purpose: string][] = [
    [["data", "general"], general, "to learn from"],
    [["data", "safety"], safety, "to learn from"],
    [["data", "helpful"], data.helpfulAnswers.type === "given" ? helpful : [], "to learn from"],
    [["data", "panels", "general"], panels.general, "whose loss could be measured"],
  ];
  return parts.flatMap(([path, records, purpose]): RecipeProblem[] => {
    const bare = records.filter(({ response }) => !response?.trim());
    const [first] = bare;
    const key = path.at(-1);
    if (first === undefined) return [];
    return [
      {
        severity: "error",
        path,
        about: "dataset-empty",
        message:
          `${bare.length} of the ${records.length} prompts of ${path.map(String).join(".")} have no answer ${purpose}; the first is ` +
          `in ${first.source}, line ${first.line}. Choose prompts with a response, by "labels", "where" or another file` +
          `${key === "helpful" ? ', or let the model answer them itself (data.helpfulAnswers {"type": "self-distilled"})' : ""}.`,
      },
    ];
  });
}

async function findContamination(
  prompts: RecipePrompts,
  signal?: Interruption,
): Promise<RecipeContamination> {
  const { panels, suites, choices, pairwise } = prompts;
  const training = trainingParts(prompts);
  const found = [];
  for (const { name, records } of [...suites, ...pairwise, ...choices.map(asPrompts)]) {
    found.push({ ...(await contamination(training, records, signal)), suite: name });
  }
  const watched = [panels.toxic, panels.seeminglyToxic, panels.general].flat();
  return { suites: found, panels: await contamination(training, watched, signal) };
}

/** Everything that a recipe trains on, or fits something on. */
function trainingParts({ contrast, general, safety, helpful, steering }: RecipePrompts): TrainingPart[] {
  const parts = { contrast, general, safety, helpful, steering: Object.values(steering).flat() };
  return Object.entries(parts).map(([part, records]) => ({ part, records }));
}

/** The questions of a suite of choices, as prompts. */
function asPrompts({ name, items }: ChoiceSuite): { name: string; records: PromptRecord[] } {
  const records = items.map(({ question, source, line }) => ({
    id: promptId(question),
    ...{ prompt: question, source, line },
  }));
  return { name, records };
}

function degreesText({ exact, normalised, near }: Contamination): string {
  return `${exact} exactly, ${normalised} but for case, spaces and punctuation, ${near} nearly`;
}

function contaminationProblems({ evaluate, steering }: Recipe, found: RecipeContamination): RecipeProblem[] {
  const about = (path: RecipePath, whose: string, found: Contamination) => {
    const { contaminated, prompts, closest, parts } = found;
    const [pair] = closest;
    if (contaminated === 0 || pair === undefined) return [];
    const examples = [pair.evaluation, pair.training].map(({ prompt }) => shortened(prompt, 200));
    const message =
      `${contaminated} of the ${prompts} prompts of ${whose} are trained ${steering ? "or fitted " : ""}on, word for word or nearly so (${degreesText(found)}; in ` +
      `${Object.keys(parts).join(", ")}), so figures on them are too good. Use another split, or other ` +
      `files. The closest: ${examples[0]} and, in training, ${examples[1]}.`;
    return [{ severity: "warning", path, about: "contaminated", message } satisfies RecipeProblem];
  };
  return [
    ...found.suites.flatMap((suite) => {
      const i = evaluate.suites.findIndex(({ name }) => name === suite.suite);
      const path = ["evaluate", "suites", i];
      const key = isOwnSuite(evaluate.suites[i]!) ? [...path, "source"] : path;
      return about(key, `the suite "${suite.suite}"`, suite);
    }),
    ...about(["data", "panels"], "the panels", found.panels),
  ];
}
