import { type BenchmarkInput, benchmarkSchema, benchmarkSuffix } from "../../protocol/benchmark.ts";
import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { steeringSchema } from "../../protocol/steering.ts";
import type { SuiteDeclaration } from "../../protocol/suiteDeclaration.ts";
import { type SweepInput, sweepSchema, sweepSuffix } from "../../protocol/sweep.ts";
import { benchmarkPresets } from "../../recipe/benchmarkPresets.ts";
import { sweepPresets } from "../../recipe/sweepPresets.ts";
import { sweepTrials } from "../../recipe/sweepTrials.ts";
import { type FoundSuite, fetchCommand, type SuiteLocation } from "../../suites/locate.ts";
import { count, counted } from "../../wording/numbers.ts";

type MethodInput = NonNullable<BenchmarkInput["methods"]>[number];

/** A method that a new benchmark may compare. */
export interface MethodChoice {
  readonly method: MethodInput;
  readonly about: string;
  /** Whether it is chosen at first. */
  readonly picked: boolean;
}

const about: Readonly<Record<string, string>> = {
  untrained: "The model as it is",
  STL: "Safety tuning alone; the reference that the others are compared with",
  "DCR → STL": "Contrastive refinement before safety tuning",
};

/** The methods that every recipe with both stages has, and every inference-time method on STL. */
export const methodChoices: readonly MethodChoice[] = [
  ...comparedMethods.map((method) => ({ method, about: about[method.name] ?? "", picked: true })),
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

/** Judges that need no model, as a new benchmark offers them; the first is chosen at first. */
export const judgeChoices = [
  { id: "xstest", about: "XSTest's string rules" },
  { id: "arditi", about: "Substrings of HarmBench and Arditi et al." },
  { id: "zou", about: "Prefixes of Zou et al." },
  { id: "or-bench", about: "OR-Bench's rules" },
] as const;

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
  readonly suites: readonly NonNullable<BenchmarkInput["suites"]>[number][];
  readonly judges: readonly string[];
  readonly seeds: readonly number[];
}

/** A benchmark file of what a person chose: every key that one may want to change is there. */
export function newBenchmark(choices: BenchmarkChoices): BenchmarkInput {
  const { name, recipe, methods, suites, judges, seeds } = choices;
  const names = methods.map((method) => method.name);
  return {
    ...{ name, recipe, seeds: [...seeds], suites: [...suites], judges: [...judges] },
    methods: [...methods],
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
