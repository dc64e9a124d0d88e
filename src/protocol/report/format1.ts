import * as z from "zod";
import { chatSchema } from "../chat.ts";
import { estimateSchema } from "../comovement.ts";
import { POOLED } from "../suite.ts";
import { leftOutSchema, type MethodAnswers, type PromptResult, promptResultSchema } from "./answers.ts";
import { type Comparison, comparisonSchema, type Difference } from "./comparison.ts";
import { discernment, heldOutLoss, refusalProbability, safeRefusal, unsafeRefusal } from "./coreMeasures.ts";
import type { MeasureRow } from "./measures.ts";
import { type Method, untrainedMethod } from "./methods.ts";
import { CLOSEST, contaminationSchema, type SuiteContamination, seriesSchema } from "./training.ts";
import { type JudgeInfo, undeterminedSchema } from "./verdicts.ts";

/*
 * Reports of format 1, as Discern 0.1 wrote them: arms that are known by name and seed, one judge, and a key for each
 * figure. They are converted when they are read, and nothing else knows of them.
 */

/** The only judge of format 1. */
const judge: JudgeInfo = {
  id: "xstest",
  version: "1",
  question: "refusal",
  title: "XSTest's string rules",
};

const resultSchema = promptResultSchema.omit({ verdicts: true, unclosed: true, values: true }).extend({
  verdict: z.enum(["full_refusal", "full_compliance", "undetermined"]),
  undetermined: undeterminedSchema.optional(),
});

const armSchema = z.object({
  name: z.string(),
  seed: z.int(),
  results: z.array(resultSchema),
  leftOut: z.array(leftOutSchema).optional(),
  asked: z.object({ template: z.enum(["chat", "alpaca"]), ...chatSchema.shape }).optional(),
  generalLoss: z.number().optional(),
});
type Arm = z.infer<typeof armSchema>;

const groupSchema = z.object({
  n: z.int(),
  refused: z.int(),
  undetermined: z.int().default(0),
  rate: estimateSchema.optional(),
  bounds: z.object({ lower: z.number(), upper: z.number() }).optional(),
  meanProbability: z.number(),
});
type GroupSummary = z.infer<typeof groupSchema>;

const suiteSchema = z.object({
  arm: z.string(),
  seed: z.int(),
  suite: z.string(),
  unsafe: groupSchema.optional(),
  safe: groupSchema.optional(),
  kinds: z.array(z.object({ kind: z.string(), unsafe: z.boolean(), ...groupSchema.shape })),
});

const discernmentSchema = z.object({
  arm: z.string(),
  seed: z.int(),
  suite: z.string(),
  against: z.enum(["itself", "others", "all"]),
  unsafe: z.int(),
  safe: z.int(),
  auroc: estimateSchema,
});

const overSeedsSchema = z.object({
  arm: z.string(),
  measure: z.enum(["unsafe_refusal", "safe_refusal", "discernment", "general_loss"]),
  values: z.array(z.object({ seed: z.int(), value: z.number() })),
  mean: z.number(),
  interval: z.object({ lower: z.number(), upper: z.number() }).optional(),
});

const rateSchema = z.object({
  prompts: z.int(),
  undetermined: z.int().default(0),
  before: z.number(),
  after: z.number(),
  difference: estimateSchema,
  tests: z.array(
    z.object({
      seed: z.int(),
      onlyBefore: z.int(),
      onlyAfter: z.int(),
      exact: z.number(),
      midP: z.number(),
      holm: z.number(),
    }),
  ),
});

const comparisonOfArmsSchema = z.object({
  before: z.string(),
  after: z.string(),
  seeds: z.object({ before: z.array(z.int()), after: z.array(z.int()) }),
  suites: z.array(
    z.object({
      suite: z.string(),
      unsafe: rateSchema.optional(),
      safe: rateSchema.optional(),
      discernment: estimateSchema.optional(),
    }),
  ),
  ...comparisonSchema.pick({ flips: true, nonInferiority: true }).shape,
});

const contaminationOfArmSchema = contaminationSchema.omit({ method: true }).extend({ arm: z.string() });
type ArmContamination = z.infer<typeof contaminationOfArmSchema>;
/** Pairs alone, of all suites of the run's one trained arm: what the first reports held. */
const pairsSchema = z.array(contaminationSchema.shape.closest.element).min(1);

const format1Schema = z.object({
  format: z.literal(1),
  created: z.iso.datetime(),
  model: z.looseObject({ name: z.string() }),
  run: z.looseObject({ name: z.string() }).optional(),
  arms: z.array(armSchema),
  suites: z.array(suiteSchema),
  discernment: z.array(discernmentSchema),
  overSeeds: z.array(overSeedsSchema),
  comparisons: z.array(comparisonOfArmsSchema),
  series: z.array(seriesSchema.omit({ method: true }).extend({ arm: z.string() })),
  contamination: z.union([pairsSchema, z.array(contaminationOfArmSchema)]),
  notes: z.array(z.string()),
});
type Format1 = z.infer<typeof format1Schema>;

/** Whether a value claims to be a report of format 1. */
export function isFormat1(value: unknown): boolean {
  return z.looseObject({ format: z.literal(1) }).safeParse(value).success;
}

/** A report of format 1 in format 2; where the value is none, its faults are told to `context`. */
export function fromFormat1(value: unknown, context: z.RefinementCtx) {
  const read = format1Schema.safeParse(value);
  if (!read.success) {
    for (const { path, message } of read.error.issues) context.addIssue({ code: "custom", path, message });
    return z.NEVER;
  }
  const { arms, suites, discernment: aurocs, overSeeds, comparisons, ...old } = read.data;
  return {
    ...old,
    format: 2 as const,
    methods: methodsOf(arms, old.series),
    judges: [judge],
    answers: arms.map(answersOf),
    measures: {
      definitions: [unsafeRefusal, safeRefusal, refusalProbability, discernment, heldOutLoss],
      rows: [
        ...suites.flatMap(suiteRows),
        ...pooledRows(arms, suites),
        ...discernmentRows(aurocs),
        ...overSeeds.flatMap(overSeedsRow),
      ],
    },
    comparisons: comparisons.map((one) => comparisonOf(one, aurocs)),
    series: old.series.map(({ arm, ...series }) => ({ method: idOf(arm), ...series })),
    contamination: contaminationBySuite(old.contamination, arms),
    notes: old.notes.map(noteOf),
  };
}

/** A result as format 1 and the run folders of 0.1 keep it, in the present form; any other value as it is. */
export function resultOfFormat1(value: unknown): unknown {
  const old = resultSchema.safeParse(value).data;
  return old ? resultOf(old) : value;
}

function resultOf({ verdict, undetermined, ...result }: z.infer<typeof resultSchema>): PromptResult {
  return {
    ...result,
    ...(undetermined === "reasoning" && { unclosed: true }),
    verdicts: { [judge.id]: { verdict, ...(undetermined && { reason: undetermined }) } },
  };
}

/**
 * The id of an arm's method. Format 1 knew the model before training by the name "before", numbered where there were several;
 * a recipe was free to be called as that method is now.
 */
function idOf(arm: string): string {
  const untrained = untrainedMethod().id;
  const before = /^before( \(\d+\))?$/.exec(arm);
  if (before) return `${untrained}${before[1] ?? ""}`;
  return arm.startsWith(untrained) ? `${arm} (trained)` : arm;
}

function methodsOf(arms: readonly Arm[], series: Format1["series"]): Method[] {
  const byName = Map.groupBy(arms, ({ name }) => name);
  return [...byName].map(([name, [arm]]) => {
    const id = idOf(name);
    const untrained = untrainedMethod(arm!.asked);
    if (name.startsWith("before") && id !== name) return { ...untrained, id, name: id };
    const stages = series.find((one) => one.arm === name)?.stages ?? [];
    return {
      ...untrained,
      ...{ id, name },
      from: stages.length > 0 ? untrained.from : { kind: "unknown" },
      stages: stages.map(({ kind }) => ({ type: kind, steps: null })),
    };
  });
}

/** A note in the words of format 2, by which it is known for one that follows from the answers. */
function noteOf(note: string): string {
  return note
    .replace(/^An arm has fewer/, "A method has fewer")
    .replace(/^The arms were asked/, "The methods were asked")
    .replace(/^The models before training gave/, "The untrained models gave")
    .replace(/^Undetermined answers: .*/, (text) =>
      text
        .replace(/ of before( \(\d+\))? \(seed/g, " of untrained$1 (seed")
        .replaceAll("the prompt again", "the prompt repeated"),
    );
}

function answersOf({ name, seed, results, leftOut, generalLoss }: Arm): MethodAnswers {
  return {
    method: idOf(name),
    seed,
    results: results.map(resultOf),
    ...(leftOut && { leftOut }),
    ...(generalLoss === undefined ? {} : { values: { [heldOutLoss.id]: generalLoss } }),
  };
}

type Place = Pick<MeasureRow, "method" | "seed" | "suite" | "group" | "category">;

function groupRows(place: Place, group: GroupSummary): MeasureRow[] {
  const { n, refused, undetermined, rate, bounds, meanProbability } = group;
  return [
    {
      measure: place.group === "unsafe" ? unsafeRefusal.id : safeRefusal.id,
      ...place,
      judge: judge.id,
      estimate: rate?.value ?? null,
      ...(rate && { interval: { lower: rate.lower, upper: rate.upper } }),
      n: n - undetermined,
      count: refused,
      ...(undetermined > 0 && { undetermined }),
      ...(bounds && { bounds }),
    },
    { measure: refusalProbability.id, ...place, estimate: meanProbability, n },
  ];
}

function suiteRows({ arm, seed, suite, unsafe, safe, kinds }: Format1["suites"][number]): MeasureRow[] {
  const place = { method: idOf(arm), seed, suite };
  return [
    ...(unsafe ? groupRows({ ...place, group: "unsafe" }, unsafe) : []),
    ...(safe ? groupRows({ ...place, group: "safe" }, safe) : []),
    ...kinds.flatMap(({ kind, unsafe: isUnsafe, ...group }) =>
      groupRows({ ...place, group: isUnsafe ? "unsafe" : "safe", category: kind }, group),
    ),
  ];
}

/** What follows from the suites' counts and the arms' losses for all suites together, of each seed. */
function pooledRows(arms: readonly Arm[], suites: Format1["suites"]): MeasureRow[] {
  return arms.flatMap(({ name, seed, generalLoss }): MeasureRow[] => {
    const own = suites.filter((one) => one.arm === name && one.seed === seed);
    const place = { method: idOf(name), seed, suite: POOLED };
    const rates = (["unsafe", "safe"] as const).flatMap((group): MeasureRow[] => {
      const groups = own.flatMap((one) => one[group] ?? []);
      const sum = (of: (one: GroupSummary) => number) => groups.reduce((total, one) => total + of(one), 0);
      const [all, undetermined, refused] = [
        sum(({ n }) => n),
        sum((one) => one.undetermined),
        sum((one) => one.refused),
      ];
      const n = all - undetermined;
      if (all === 0) return [];
      return [
        {
          measure: group === "unsafe" ? unsafeRefusal.id : safeRefusal.id,
          ...place,
          group,
          judge: judge.id,
          estimate: n > 0 ? refused / n : null,
          n,
          count: refused,
          ...(undetermined > 0 && {
            undetermined,
            bounds: { lower: refused / all, upper: (refused + undetermined) / all },
          }),
        },
      ];
    });
    return [
      ...rates,
      ...(generalLoss === undefined
        ? []
        : [{ measure: heldOutLoss.id, ...place, group: "all" as const, estimate: generalLoss, n: null }]),
    ];
  });
}

/** Format 1 had no pooled discernment where there was one suite: that suite is then all there is. */
function discernmentRows(found: Format1["discernment"]): MeasureRow[] {
  const row = ({ arm, seed, suite, against, unsafe, safe, auroc }: Format1["discernment"][number]) => ({
    ...{ measure: discernment.id, method: idOf(arm), seed, suite, group: "all" as const },
    ...{ estimate: auroc.value, interval: { lower: auroc.lower, upper: auroc.upper } },
    ...{ n: unsafe + safe, against },
  });
  const alone = found.filter(
    (one) =>
      !found.some((other) => other.suite === POOLED && other.arm === one.arm && other.seed === one.seed),
  );
  return [...found.map(row), ...alone.map((one) => ({ ...row(one), suite: POOLED }))];
}

function overSeedsRow({ arm, measure, values, mean, interval }: Format1["overSeeds"][number]): MeasureRow[] {
  // With one seed the row of that seed stands for itself.
  if (values.length < 2) return [];
  const rate = measure === "unsafe_refusal" || measure === "safe_refusal";
  return [
    {
      measure: measure === "general_loss" ? heldOutLoss.id : measure,
      method: idOf(arm),
      seed: null,
      suite: POOLED,
      group: measure === "unsafe_refusal" ? "unsafe" : measure === "safe_refusal" ? "safe" : "all",
      ...(rate && { judge: judge.id }),
      estimate: mean,
      ...(interval && { interval }),
      n: values.length,
    },
  ];
}

function comparisonOf(
  { before, after, seeds, suites, flips, nonInferiority }: Format1["comparisons"][number],
  aurocs: Format1["discernment"],
): Comparison {
  const mean = (arm: string, suite: string) => {
    const found = aurocs
      .filter((one) => one.arm === arm && one.suite === suite)
      .map((one) => one.auroc.value);
    return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value, 0) / found.length;
  };
  return {
    first: idOf(before),
    second: idOf(after),
    seeds: { first: seeds.before, second: seeds.after },
    differences: suites.flatMap(({ suite, unsafe, safe, discernment: difference }): Difference[] => {
      const [first, second] = [mean(before, suite), mean(after, suite)];
      return [
        ...(unsafe ? [rateDifference(suite, "unsafe", unsafe)] : []),
        ...(safe ? [rateDifference(suite, "safe", safe)] : []),
        ...(difference
          ? [
              {
                ...{ measure: discernment.id, suite, group: "all" as const, difference, n: null },
                ...(first !== undefined && second !== undefined && { first, second }),
              },
            ]
          : []),
      ];
    }),
    flips,
    ...(nonInferiority && { nonInferiority }),
  };
}

function rateDifference(
  suite: string,
  group: "unsafe" | "safe",
  { prompts, undetermined, before, after, difference, tests }: z.infer<typeof rateSchema>,
): Difference {
  return {
    measure: group === "unsafe" ? unsafeRefusal.id : safeRefusal.id,
    ...{ suite, group, judge: judge.id, first: before, second: after, difference, n: prompts },
    ...(undetermined > 0 && { undetermined }),
    tests: tests.map(({ onlyBefore, onlyAfter, ...test }) => ({
      ...test,
      onlyFirst: onlyBefore,
      onlySecond: onlyAfter,
    })),
  };
}

function contaminationBySuite(found: Format1["contamination"], arms: readonly Arm[]): SuiteContamination[] {
  const pairs = pairsSchema.safeParse(found).data;
  const bySuite = pairs ? pairsBySuite(pairs, arms.at(-1)) : z.array(contaminationOfArmSchema).parse(found);
  return bySuite.map(({ arm, ...one }) => ({ method: idOf(arm), ...one }));
}

/** Pairs, each with the suites of the last arm (the trained one) that ask its prompt. */
function pairsBySuite(pairs: z.infer<typeof pairsSchema>, arm: Arm | undefined): ArmContamination[] {
  if (arm === undefined) return [];
  const closest = new Map<string, (typeof pairs)[number]>();
  for (const pair of pairs) {
    const known = closest.get(pair.evaluation);
    if (known === undefined || pair.similarity > known.similarity) closest.set(pair.evaluation, pair);
  }
  return [...Map.groupBy(arm.results, ({ suite }) => suite)].flatMap(([suite, results]) => {
    const found = results.flatMap(({ prompt }) => closest.get(prompt) ?? []);
    return found.length === 0
      ? []
      : [
          {
            arm: arm.name,
            suite,
            prompts: results.length,
            contaminated: found.length,
            sameWords: found.filter(({ similarity }) => similarity === 1).length,
            closest: found.sort((a, b) => b.similarity - a.similarity).slice(0, CLOSEST),
          },
        ];
  });
}
