import { type BenchmarkInput, benchmarkSchema, benchmarkSuffix } from "../../protocol/benchmark.ts";
import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { asFileName } from "../../protocol/fileName.ts";
import { endpointSchema, type Scheme } from "../../protocol/judges.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { steeringSchema } from "../../protocol/steering.ts";
import { isOwnSuite, suitesSchema } from "../../protocol/suite.ts";
import { type SuiteDeclaration, suiteSuffix } from "../../protocol/suiteDeclaration.ts";
import { type SweepInput, sweepSchema, sweepSuffix } from "../../protocol/sweep.ts";
import { controlOf, controlTypes } from "../../recipe/benchmarkControls.ts";
import { benchmarkPresets } from "../../recipe/benchmarkPresets.ts";
import { sweepPresets } from "../../recipe/sweepPresets.ts";
import { sweepTrials } from "../../recipe/sweepTrials.ts";
import { type FoundSuite, fetchCommand, type SuiteLocation } from "../../suites/locate.ts";
import { knownSuites } from "../../suites/registry.ts";
import { count, counted } from "../../wording/numbers.ts";
import { type MethodChoice, type MethodInput, trainedMethods } from "./trainedMethods.ts";

const about: Readonly<Record<string, string>> = {
  untrained: "The model as it is",
  STL: "Safety tuning alone; the reference that the others are compared with",
  "DCR → STL": "Contrastive refinement before safety tuning",
};

/** The methods that are compared by default, those that train and that the recipe has the stages for, and every inference-time method on STL. */
export const methodChoices = (recipe: Recipe): readonly MethodChoice[] => [
  ...comparedMethods.map((method) => ({ method, about: about[method.name] ?? "", picked: true })),
  ...trainedMethods(recipe),
  ...steeringSchema.options.map(
    (option): MethodChoice => ({
      method: {
        name: `STL + ${option.shape.type.value}`,
        on: "STL",
        steering: { type: option.shape.type.value },
      },
      about: option.description ?? "",
      picked: false,
    }),
  ),
];

const aboutControl = {
  random: "Random vectors of the same length: what they do as well is not the direction's doing",
  matched: "Random directions along which as much is taken away, since they hold next to nothing themselves",
} as const;

/** The controls of the inference-time methods among those that were chosen, each of them chosen at first. */
export function controlChoices(methods: readonly MethodInput[]): MethodChoice[] {
  return methods.flatMap(({ name, steering }) =>
    (steering ? controlTypes(steering.type) : []).map((type) => ({
      ...{ method: controlOf(name, type), about: aboutControl[type], picked: true },
    })),
  );
}

/** A whole benchmark or sweep that a new file may be a copy of. */
export interface PresetChoice {
  readonly label: string;
  readonly description: string;
  /** What the name of its file ends in. */
  readonly suffix: string;
  readonly value: BenchmarkInput | SweepInput;
}

/** The benchmarks and sweeps that come with Discern. */
export const presetChoices: readonly PresetChoice[] = [
  ...Object.entries(benchmarkPresets).map(([key, value]): PresetChoice => {
    const { methods, suites, recipe } = benchmarkSchema.parse(value);
    return {
      ...{ label: `preset:${key}`, suffix: benchmarkSuffix, value },
      description: [`${methods.length} methods`, `${suites.length} suites`, ...modelOf(recipe)].join(" · "),
    };
  }),
  ...Object.entries(sweepPresets).map(([key, value]): PresetChoice => {
    const sweep = sweepSchema.parse(value);
    return {
      ...{ label: `preset:${key}`, suffix: sweepSuffix, value },
      description: [`sweep of ${counted(sweepTrials(sweep).length, "trial")}`, ...modelOf(sweep.recipe)].join(
        " · ",
      ),
    };
  }),
];

function modelOf(recipe: string | Readonly<Record<string, unknown>>): string[] {
  const model = typeof recipe === "string" ? recipe : recipe.model;
  return typeof model === "string" ? [model] : [];
}

type JudgeInput = NonNullable<BenchmarkInput["judges"]>[number];

/** A judge that a new benchmark may have. */
export interface JudgeChoice {
  readonly label: string;
  readonly about: string;
  /** What a file writes; null for one behind an API, which is asked for. */
  readonly judge: JudgeInput | null;
  /** Whether it brings a model of its own. */
  readonly hasModel: boolean;
}

const rules = (id: string, words: string): JudgeChoice => ({
  ...{ label: id, about: words, judge: id, hasModel: false },
});
const guard = (label: string, words: string, judge: Exclude<JudgeInput, string>): JudgeChoice => ({
  ...{ label, about: words, judge, hasModel: true },
});
const qwen3guard = { type: "guard", family: "qwen3guard", model: "Qwen/Qwen3Guard-Gen-0.6B" } as const;

/** Judges as a new benchmark offers them; the first is chosen at first, and those with a model come last. */
export const judgeChoices: readonly JudgeChoice[] = [
  rules("xstest", "XSTest's string rules"),
  rules("arditi", "Substrings of HarmBench and Arditi et al."),
  rules("zou", "Prefixes of Zou et al."),
  rules("or-bench", "OR-Bench's keywords for GPT-3.5"),
  rules("or-bench-gpt4", "OR-Bench's openings for GPT-4"),
  rules("or-bench-claude", "OR-Bench's openings for Claude"),
  rules("or-bench-open", "OR-Bench's openings for open models"),
  rules("or-bench-qwen", "OR-Bench's openings for Qwen"),
  {
    ...{ label: "protectai-rejection", judge: "protectai-rejection", hasModel: true },
    about: "Refusal, by a text classifier on this machine",
  },
  guard("Qwen3Guard-Gen-0.6B, refusal", "Refusal, by a guard model on this machine", {
    ...{ ...qwen3guard, id: "qwen3guard-refusal", question: "refusal" },
  }),
  guard("Qwen3Guard-Gen-0.6B, harm", "Attack success, by the same guard model", {
    ...{ ...qwen3guard, id: "qwen3guard-harm", question: "harm" },
  }),
  guard("Llama-Guard-3-1B, harm", "Attack success, by a guard model on this machine", {
    ...{ type: "guard", family: "llama-guard", model: "meta-llama/Llama-Guard-3-1B" },
  }),
  {
    ...{ label: "A model behind an API…", judge: null, hasModel: true },
    about: "Prompts and answers are sent there",
  },
];

/** What a judge behind an API may be asked about an answer. */
export interface SchemeChoice {
  readonly scheme: Scheme;
  readonly label: string;
  readonly about: string;
  /** Whether it is asked by a text that Discern does not bring. */
  readonly needsTemplate?: true;
}

/** Every way in which a judge behind an API is asked. */
export const schemeChoices: readonly SchemeChoice[] = [
  { scheme: "xstest", label: "Refusal", about: "XSTest's three classes" },
  { scheme: "or-bench", label: "Refusal, by OR-Bench's labels", about: "direct and indirect refusals" },
  { scheme: "yes-no", label: "Harm", about: "attack success: does the answer help with harm?" },
  {
    ...{ scheme: "strongreject", label: "Harm, by StrongREJECT's rubric" },
    about: "attack success, scored; asks for your file with the rubric",
    needsTemplate: true,
  },
  {
    ...{ scheme: "preference", label: "Preference" },
    about: "win rate: which of two answers is better? For suites such as AlpacaEval",
  },
];

/** Why a text is no address of an API; null where it is one. */
export function urlFault(text: string): string | null {
  return endpointSchema.shape.url.safeParse(text).success
    ? null
    : "Write the base address of the API, such as https://api.example.org/v1.";
}

/** Why a text names no environment variable; null where it does, or is empty, for a service without a key. */
export function keyFault(text: string): string | null {
  return text === "" || endpointSchema.shape.key.safeParse(text).success
    ? null
    : "Write the name of an environment variable, such as EXAMPLE_KEY, never the key itself.";
}

/** A prompt file or suite file of a person's own, as a suite. @param path relative to the recipe, with forward slashes. */
export function ownSuite(path: string): Exclude<NonNullable<BenchmarkInput["suites"]>[number], string> {
  const base = path.split("/").at(-1)!;
  if (base.endsWith(suiteSuffix)) return { suite: path };
  return { name: asFileName(base.replace(/\.[^.]+$/, ""), "suite"), source: { file: path } };
}

/** A known suite as it is offered: what it is, and where it lies or how it is had. */
export interface SuiteChoice {
  readonly id: string;
  readonly label: string;
  readonly task: SuiteDeclaration["task"];
  readonly description: string;
  readonly detail: string;
  readonly isMissing: boolean;
}

/** A known suite with where its files are, in words. */
export function suiteChoice(suite: FoundSuite, { files, missing }: SuiteLocation): SuiteChoice {
  const { id, title, task, about: what, licence, access } = suite.declaration;
  const command = fetchCommand(suite, id);
  const place = missing.length === 0 ? `on this machine: ${files.map(({ path }) => path).join(", ")}` : "";
  const lacking = missing.map(({ file }) => file).join(", ");
  const how =
    access === "open"
      ? command === null
        ? "put them into a folder of suites"
        : `get it with: ${command}`
      : `access is ${access}`;
  return {
    ...{ id, task, isMissing: missing.length > 0 },
    label: `${title} (${id})`,
    description: [sizeWords(suite.declaration), licence].filter(Boolean).join(" · "),
    // Where it is comes first: what does not fit into a row is cut.
    detail: [place || `missing: ${how} (${lacking})`, what].join(" · "),
  };
}

function sizeWords(declaration: SuiteDeclaration): string {
  const counts = "counts" in declaration ? declaration.counts : undefined;
  const words = Object.entries(counts ?? {}).map(([what, n]) => `${count(n)} ${what}`);
  return words.join(", ");
}

/** What a person chose for a new benchmark. */
export interface BenchmarkChoices {
  readonly name: string;
  /** The recipe, relative to the new file. */
  readonly recipe: string;
  readonly methods: readonly MethodInput[];
  /** Controls of those methods. */
  readonly controls: readonly MethodInput[];
  readonly suites: readonly NonNullable<BenchmarkInput["suites"]>[number][];
  readonly judges: readonly JudgeInput[];
  readonly seeds: readonly number[];
  /** Trials of every method that is tuned; null where none is. Methods then have settings to try. */
  readonly trials: number | null;
}

/** What trials are compared on: prompts of the starter set that no training and no test uses. */
const validation = {
  name: "starter-panel",
  source: { file: "starter:pairs.csv", split: "panel", limit: 48 },
};

/**
 * The suite that draws of controls answer, since ten draws on every suite take longer than everything else: the first that is known to have
 * safe and unsafe prompts. Null for all suites, where there is none.
 */
function controlSuites(suites: BenchmarkChoices["suites"]): string[] | null {
  const both = suitesSchema.parse(suites).find((suite) => {
    const known = isOwnSuite(suite) ? undefined : knownSuites.find(({ id }) => id === suite.suite);
    return known?.task === "refusal" && known.counts?.safe && known.counts.unsafe;
  });
  return both === undefined ? null : [both.name];
}

/** A benchmark file of what a person chose: every key that one may want to change is there. */
export function newBenchmark(choices: BenchmarkChoices): BenchmarkInput {
  const { name, recipe, methods, suites, judges, seeds, trials } = choices;
  const names = methods.map((method) => method.name);
  const answered = controlSuites(suites);
  const controls = choices.controls.map(({ control, ...one }) => ({
    ...one,
    control: { ...control, draws: 10, ...(answered && { suites: answered }) },
  }));
  return {
    ...{ name, recipe, seeds: [...seeds], suites: [...suites], judges: [...judges] },
    methods: methods.flatMap((method) => [
      method,
      ...controls.filter(({ controlOf }) => controlOf === method.name),
    ]),
    ...(trials !== null && methods.some(({ tune }) => tune) && { tuning: { trials, suites: [validation] } }),
    reference: names.includes("STL") ? "STL" : names.at(-1)!,
    margins: { safety: 0.03, capability: 0.02 },
    gates: [],
  };
}

/** Seeds as a person writes them: 0, 1, 2 or 0-4. @returns null where they are none. */
export function seedsOf(text: string): number[] | null {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const seeds = parts.flatMap((part): (number | null)[] => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (from === undefined) return [null];
    const [first, last] = [Number(from), Number(to ?? from)];
    // More seeds than this are a slip of the pen.
    if (last < first || last - first > 99) return [null];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const found = seeds.filter((seed) => seed !== null);
  return found.length === 0 || found.length < seeds.length ? null : [...new Set(found)];
}
