import { layerCaveats } from "../../protocol/layerChoice.ts";
import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { Comparison, Difference } from "../../protocol/report/comparison.ts";
import type { Measures } from "../../protocol/report/measures.ts";
import { erroneousMethods, isUntrained, type Method, methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { isOverSuites, type Series } from "../../protocol/report/training.ts";
import { outcomeOf, refusalJudge, undeterminedWords } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import { comovement } from "../../statistics/comovement.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { type BootstrapOptions, defaultResampling } from "./bootstrap.ts";
import { compare, type Margins } from "./compare.ts";
import { joinMethods } from "./distinctMethods.ts";
import { evaluatedPrompts } from "./evaluatedPrompts.ts";
import { redrawnFailures } from "./failures.ts";
import { judgeDependence } from "./judgeDependence.ts";
import { measured } from "./measured.ts";
import { accuracy } from "./measures/accuracy.ts";
import type { Measure } from "./measures/measure.ts";
import { allMeasures } from "./measures/measures.ts";
import { repeatedNotes } from "./repeatedNotes.ts";
import { holm } from "./statistics.ts";
import { steeringProblems } from "./steeringProblems.ts";

export interface ReportInput {
  readonly model: Report["model"];
  readonly run?: Report["run"] | undefined;
  /** In the order in which they are to be shown. */
  readonly methods: readonly Method[];
  readonly judges: Report["judges"];
  /** Answers of one method with several seeds are seeds of it. */
  readonly answers: readonly MethodAnswers[];
  /** Probes during training, by method and seed. */
  readonly series?: readonly Omit<Series, "comovement">[];
  readonly contamination?: Report["contamination"];
  readonly openings?: Report["openings"];
  /** Id of the method that all others are compared with; every method is compared with every later one where left out. */
  readonly reference?: string | undefined;
  readonly margins?: Margins;
  readonly about?: Report["about"];
  /** Of a benchmark: kept as it is; its margins hold. */
  readonly benchmark?: Report["benchmark"] | undefined;
  readonly notes?: readonly string[];
  readonly missing?: Report["missing"];
  readonly laboratory?: Report["laboratory"];
  /** Problems beside those that the answers show, such as a run that failed. */
  readonly problems?: Report["problems"];
  /** Time of the report; now where it is left out. */
  readonly created?: Date;
}

/** How a report is worked out. */
export interface ReportOptions extends BootstrapOptions {
  /** The measures; all that Discern knows where left out. */
  readonly measures?: readonly Measure[];
  /** The report of the same answers under other verdicts, of which stays what does not depend on them. */
  readonly known?: Report;
}

/**
 * Works out a report from answers: measures, co-movement, and a comparison of every earlier method with every later one. Methods that are
 * errors (`erroneousMethods`) keep their answers and have neither measures nor comparisons: no adjustment counts them. Controls have
 * measures alone.
 *
 * @throws DiscernError "request-invalid" when two methods have no prompt in common.
 */
export function buildReport(
  input: ReportInput,
  { measures = allMeasures, known: before, ...bootstrap }: ReportOptions = {},
): Report {
  const joined = joinMethods([
    { methods: input.methods, answers: input.answers, series: input.series ?? [] },
  ]);
  const [part] = joined.parts as [(typeof joined.parts)[number]];
  const methods = inOrder(joined.methods, input.methods);
  const placeOf = ({ method }: MethodAnswers) => methods.findIndex(({ id }) => id === method);
  const answers = part.answers.toSorted((a, b) => placeOf(a) - placeOf(b));
  const { series } = part;
  const { contamination = [], notes = [], judges } = input;
  const untrained = new Set(methods.filter(isUntrained).map(({ id }) => id));
  const problems = distinctProblems([...steeringProblems(methods, answers), ...(input.problems ?? [])]);
  const erroneous = erroneousMethods({ answers, problems });
  const sound = answers.filter(({ method }) => !erroneous.has(method));
  const runs = methods
    .filter(({ id, controlOf }) => !erroneous.has(id) && controlOf === undefined)
    .map(({ id }) => sound.filter(({ method }) => method === id));
  const reference = runs.find(([first]) => first !== undefined && first.method === input.reference);
  const prompts = evaluatedPrompts(answers);
  const context = { judges, bootstrap, prompts, untrained, series, ...(reference && { reference }) };
  // With a reference that is an error nothing can be held against it, and nothing else was asked for.
  const hasNoReference = input.reference !== undefined && erroneous.has(input.reference);
  const compared = hasNoReference ? [] : runs;
  const pairs = reference
    ? compared.flatMap((second) => (second === reference ? [] : [[reference, second] as const]))
    : compared.flatMap((first, i) => compared.slice(i + 1).map((second) => [first, second] as const));
  const margins = input.margins ?? input.benchmark?.margins;
  const figures = withoutPartial(methods, sound, measured(sound, context, measures, before?.measures));
  const aboveChance = isAboveChance(figures, untrained);
  const compareBoth = (first: readonly MethodAnswers[], second: readonly MethodAnswers[]) =>
    compare(first, second, context, {
      ...{ measures, aboveChance },
      ...(margins && { margins }),
      known: before?.comparisons.find(
        (one) => one.first === first[0]?.method && one.second === second[0]?.method,
      ),
    });
  const comparisons = holmOverTables(pairs.map(([first, second]) => compareBoth(first, second)));
  const repeated = prompts.repeated.length > 0 ? [...prompts.repeated] : undefined;
  const known = { ...input, methods, answers, contamination, series, comparisons, repeated };
  return {
    format: 2,
    created: (input.created ?? new Date()).toISOString(),
    model: input.model,
    ...(input.run && { run: input.run }),
    methods,
    judges: [...judges],
    answers,
    measures: figures,
    ...((reference || hasNoReference) && { reference: input.reference }),
    comparisons,
    series: series.map(({ comovement: _, ...one }: Series) => {
      const figures = comovement(one.points, bootstrap);
      return { ...one, ...(figures && { comovement: figures }) };
    }),
    contamination: [...contamination],
    resampling: { unit: "matched pair", ...defaultResampling, ...bootstrap, ...prompts.units },
    ...(repeated && { repeated }),
    ...(input.openings && { openings: [...input.openings] }),
    problems,
    notes: [...notes, ...joined.notes.filter((note) => !notes.includes(note)), ...warnings(known)],
    ...(input.missing && input.missing.length > 0 && { missing: [...input.missing] }),
    ...(input.laboratory && input.laboratory.length > 0 && { laboratory: [...input.laboratory] }),
    ...(input.about && { about: input.about }),
    ...(input.benchmark && { benchmark: input.benchmark }),
  };
}

/**
 * Comparisons with the p-values of their differences adjusted by Holm over one table each: all methods and suites of a
 * measure.
 */
export function holmOverTables(comparisons: readonly Comparison[]): Comparison[] {
  const found = new Map<Difference, number>();
  const all = comparisons.flatMap(({ differences }) => differences.filter(({ p }) => p !== undefined));
  for (const table of Map.groupBy(all, ({ measure }) => measure).values()) {
    for (const [i, value] of holm(table.map(({ p }) => p!)).entries()) found.set(table[i]!, value);
  }
  return comparisons.map((one) => ({
    ...one,
    differences: one.differences.map((difference) => {
      const value = found.get(difference);
      return value === undefined ? difference : { ...difference, holm: value };
    }),
  }));
}

/**
 * Measures without the rows over all suites of controls that answered only some of them: those would stand beside figures over other
 * prompts.
 */
function withoutPartial(
  methods: readonly Method[],
  answers: readonly MethodAnswers[],
  { definitions, rows }: Measures,
): Measures {
  const suites = new Set(answers.flatMap(suitesOf));
  const partial = new Set(
    methods.flatMap(({ id, controlOf }) => {
      const own = answers.find(({ method }) => method === id);
      return controlOf !== undefined && own && new Set(suitesOf(own)).size < suites.size ? [id] : [];
    }),
  );
  return { definitions, rows: rows.filter((row) => !(partial.has(row.method) && isOverSuites(row))) };
}

function suitesOf({ results, choices = [] }: MethodAnswers): string[] {
  return [...results, ...choices].map(({ suite }) => suite);
}

/** Whether the untrained model knows more than guessing would, over all questions; null where it was not asked any. */
function isAboveChance({ rows }: Measures, untrained: ReadonlySet<string>): boolean | null {
  const row = rows.find(
    ({ measure, method, suite, category }) =>
      measure === accuracy.definition.id &&
      untrained.has(method) &&
      suite === POOLED &&
      category === undefined,
  );
  return row?.interval === undefined || row.chance === undefined ? null : row.interval.lower > row.chance;
}

/** Problems, each once: a report that is worked out anew has those that its answers show already. */
function distinctProblems(problems: Report["problems"]): Report["problems"] {
  return [...new Map(problems.map((one) => [`${one.method}\n${one.seed}\n${one.message}`, one])).values()];
}

/** Methods in a given order; those that it does not know come last. */
function inOrder(methods: readonly Method[], order: readonly Method[]): Method[] {
  const place = (method: Method) => {
    const found = order.findIndex(({ id }) => id === method.id);
    return found < 0 ? order.length : found;
  };
  return methods.toSorted((a, b) => place(a) - place(b));
}

/**
 * A report worked out anew after verdicts in its answers changed. Everything else stays: its time, and the notes that do
 * not follow from the answers.
 *
 * @param change the answers with people's verdicts, or with those of other judges, who are then named
 * @param notes what is to be said besides
 */
export function rebuildReport(
  report: Report,
  change: Pick<ReportInput, "answers"> & Partial<Pick<ReportInput, "judges">>,
  notes: readonly string[] = [],
  options: ReportOptions = {},
): Report {
  const followed = new Set(warnings(report));
  const { benchmark } = report;
  return buildReport(
    {
      ...report,
      ...change,
      ...(benchmark && {
        benchmark: {
          ...benchmark,
          failures: redrawnFailures(benchmark.failures, {
            ...report,
            ...change,
            answers: [...change.answers],
          }),
        },
      }),
      notes: [...report.notes.filter((note) => !followed.has(note)), ...notes],
      created: new Date(report.created),
    },
    // Reports of older versions drew each prompt by itself: no row of theirs can stand beside new ones.
    { ...(report.resampling && { known: report }), ...options },
  );
}

/** What warnings are read from. */
type Warned = Pick<Report, "methods" | "judges" | "contamination" | "comparisons"> & {
  readonly repeated?: Report["repeated"] | undefined;
  readonly answers: readonly MethodAnswers[];
  readonly series: readonly Omit<Series, "comovement">[];
};

function warnings(warned: Warned): string[] {
  const { methods, judges, answers, series, contamination, comparisons, repeated } = warned;
  const found: string[] = [];
  const nameOf = (method: string) => methodName(methods, method);
  // An untrained model is the same for every seed.
  const trained = methods.filter((method) => !isUntrained(method));
  const seeds = leastOf(trained.map(({ id }) => answers.filter(({ method }) => method === id).length));
  if (seeds < 3) {
    found.push(
      "A method has fewer than three seeds: intervals over prompts do not cover the variance of training.",
    );
  }
  if (contamination.length > 0) {
    const total = contamination.reduce((sum, { contaminated }) => sum + contaminated, 0);
    const counts = contamination.map(
      ({ method, suite, prompts, contaminated, sameWords, exact }) =>
        `${contaminated} of the ${prompts} of ${suite} (${sameWords} in the same words${exact === undefined ? "" : `, ${exact} of them exactly`}) ` +
        `for ${nameOf(method)}`,
    );
    const are =
      total === 1
        ? "prompt is, or nearly is, a training prompt"
        : "prompts are, or nearly are, training prompts";
    found.push(`Contamination: ${total} evaluated ${are}: ${counts.join("; ")}.`);
  }
  for (const { method, seed, layerChoice } of series) {
    const caveats = layerChoice ? layerCaveats(layerChoice) : [];
    for (const caveat of caveats) found.push(`${nameOf(method)}, seed ${seed}: ${caveat}`);
  }
  if (series.some(({ points }) => points.length < 15)) {
    found.push(
      "A run has fewer than 15 probes: its co-movement figures are too uncertain to rest a claim on.",
    );
  }
  const judge = refusalJudge(judges);
  for (const note of [
    ...undeterminedAnswers(answers, judge, nameOf),
    ...promptsLeftOut(answers),
    ...repeatedNotes(answers, repeated),
    ...askedOtherwise(methods),
    ...judgeDependence(comparisons, judges, nameOf),
  ]) {
    found.push(note);
  }
  const human = humanVerdicts(answers, judge);
  if (human !== null) found.push(human);
  return found;
}

/** How many answers of each method are undetermined, and why; the count is said wherever a rate leaves some out. */
function undeterminedAnswers(
  answers: readonly MethodAnswers[],
  judge: string,
  nameOf: (method: string) => string,
): string[] {
  const said = answers.flatMap(({ method, seed, results, scored }) => {
    if (scored) return [];
    const open = results.filter((result) => outcomeOf(result, judge) === "undetermined");
    if (open.length === 0) return [];
    const counts = Map.groupBy(open, ({ human, verdicts }) => {
      const reason = human === undefined ? verdicts[judge]?.reason : undefined;
      return reason
        ? undeterminedWords[reason]
        : human === undefined
          ? "no verdict"
          : "by a person's verdict";
    });
    const why = [...counts].map(([reason, some]) => `${some.length} ${reason}`).join(", ");
    return [`${open.length} of ${results.length} of ${nameOf(method)} (seed ${seed}): ${why}`];
  });
  if (said.length === 0) return [];
  return [
    `Undetermined answers: ${said.join("; ")}. They are neither refusals nor compliance, and no rate counts them.`,
  ];
}

function promptsLeftOut(answers: readonly MethodAnswers[]): string[] {
  // Every method of a model is asked the same.
  const left = new Map(
    answers.flatMap(({ leftOut = [] }) =>
      leftOut.map((one) => [`${one.suite} ${one.id} ${one.reason}`, one] as const),
    ),
  );
  const [first] = left.values();
  return first === undefined
    ? []
    : [
        `Prompts of the suites that were not asked: ${left.size}. The first, of ${first.suite}: "${first.prompt}" (${first.reason}).`,
      ];
}

function askedOtherwise(methods: readonly Method[]): string[] {
  const ways = new Set(methods.flatMap(({ asked }) => (asked ? JSON.stringify(asked) : [])));
  return ways.size > 1
    ? [
        "The methods were asked in different ways (template, system prompt, thinking): their differences are not those of " +
          "training alone.",
      ]
    : [];
}

/** What people's verdicts did to the figures; null where there are none. */
function humanVerdicts(answers: readonly MethodAnswers[], judge: string): string | null {
  const judged = answers.flatMap(({ results }) => results.filter(({ human }) => human !== undefined));
  if (judged.length === 0) return null;
  const changed = judged.filter(
    (result) => outcomeOf(result, judge) !== outcomeOf({ verdicts: result.verdicts }, judge),
  );
  const partial = judged.filter(({ human }) => human === "partial_refusal").length;
  return (
    `People judged ${judged.length} ${judged.length === 1 ? "answer" : "answers"}; the figures follow them, and for ${changed.length} of them that changed ` +
    `the judge's verdict. Partial refusals (${partial}) count as refusals.`
  );
}
