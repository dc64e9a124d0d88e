import { resolve } from "node:path";
import { labelLogPath } from "../../dataset/labels.ts";
import { layoutPath } from "../../dataset/layout.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { type Place, placeWords } from "../../protocol/place.ts";
import { isUntrained, reportBackend, reportDevice } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { inheritedContamination } from "../../protocol/report/training.ts";
import { openRun, runPaths } from "../../runFolder/folder.ts";
import { withJudgements } from "../../runFolder/judgements.ts";
import { readReport } from "../../runFolder/reportFile.ts";
import { reportJudgements } from "../../runFolder/reportJudgements.ts";
import type { Margins } from "../evaluate/compare.ts";
import { differentOpenings, statedOpenings } from "../evaluate/comparedOpenings.ts";
import { joinMethods } from "../evaluate/distinctMethods.ts";
import { judgedBy, sharedJudges } from "../evaluate/rejudge.ts";
import { buildReport } from "../evaluate/report.ts";
import { brokenLines } from "./judged.ts";

/** What is known of runs that a plan describes. */
export interface PlannedRuns {
  /** What each run is called in the report, in the order of the runs. */
  readonly names: readonly string[];
  /** The seed of each run, where the report knows it by another one than the run: by the draw of a control. */
  readonly seeds?: readonly number[];
  /** By the name of a control, the method that it controls. */
  readonly controls?: ReadonlyMap<string, string>;
  /** By the name of a method, the one whose trained model it begins with. */
  readonly bases: ReadonlyMap<string, string>;
  /** Names of the methods in the order of the report; that of the runs where left out. */
  readonly order?: readonly string[];
  /** Name of the method that all others are compared with; every two where left out. */
  readonly reference?: string;
  readonly margins?: Margins;
  /** Runs that are missing, by the name of their method, and why. */
  readonly problems?: Report["problems"];
}

/**
 * One report over several runs, compared on the prompts that all answered. The untrained model, which each run
 * may bring, stands first and once. Runs of one name are seeds of one recipe; of one name and seed they are numbered. What
 * people judged in one run, or in another report of the same folder of runs, holds for the same answer in every run.
 *
 * @param planned what a plan says of the runs; they go by their own names where left out.
 * @throws DiscernError `run-invalid`; `request-invalid` when a run is given twice, or no prompt was answered by all.
 */
export async function compareRuns(paths: readonly string[], planned?: PlannedRuns): Promise<Report> {
  const twice = paths.find((path, i) => paths.findIndex((other) => placeOf(other) === placeOf(path)) < i);
  if (twice !== undefined) {
    throw new DiscernError(
      "request-invalid",
      `${twice} is given twice, and a run is not compared with itself.`,
    );
  }
  const own = await Promise.all(paths.map(readReport));
  const reports =
    planned === undefined
      ? own
      : own.map((report, i) => named(report, planned.names[i]!, planned.seeds?.[i], planned));
  const { judged, logs } = await reportJudgements(paths);
  const judges = sharedJudges(reports);
  const read = await Promise.all(
    reports.map(async ({ methods, answers, series, judges: readBy }, i) => ({
      ...{ from: paths[i]!, methods, series },
      answers: await judgedBy(judges, withJudgements(answers, judged), readBy),
    })),
  );
  const { methods, parts, notes } = joinMethods(read);
  const { order = [], bases = new Map(), reference, margins, problems } = planned ?? {};
  const placeOfMethod = ({ name }: { name: string }) =>
    order.includes(name) ? order.indexOf(name) : order.length;
  const untrainedFirst = [...methods.filter(isUntrained), ...methods.filter((one) => !isUntrained(one))];
  return buildReport({
    model: { ...reports[0]!.model, ...sharedPlace(reports) },
    methods: untrainedFirst.toSorted((a, b) => placeOfMethod(a) - placeOfMethod(b)),
    judges,
    answers: parts.flatMap(({ answers }) => answers),
    series: parts.flatMap(({ series }) => series),
    contamination: inheritedContamination(
      distinct(reports.flatMap(({ contamination }) => contamination)),
      bases,
    ),
    ...statedOpenings(reports),
    missing: distinct(reports.flatMap(({ missing = [] }) => missing)),
    ...(reference !== undefined && { reference }),
    ...(margins && { margins }),
    ...(problems && { problems }),
    notes: [
      ...brokenLines(logs),
      ...notes,
      ...differentOrigins(reports),
      ...differentOpenings(reports),
      ...(await changedData(paths)),
    ],
  });
}

/** A run's report, with another name for what the run is, and the method that it began with. */
function named(
  report: Report,
  name: string,
  seed: number | undefined,
  { bases, controls }: PlannedRuns,
): Report {
  const before = report.methods.find((method) => method.name === report.run?.name)?.id;
  const rename = <T extends { readonly method: string }>(all: readonly T[]): T[] =>
    all.map((one) => (one.method === before ? { ...one, method: name } : one));
  const reseed = <T extends { readonly method: string; readonly seed: number }>(all: readonly T[]): T[] =>
    all.map((one) => (one.method === before ? { ...one, method: name, seed: seed ?? one.seed } : one));
  return {
    ...report,
    methods: report.methods.map((method) => {
      if (method.id !== before) return method;
      const base = bases.get(name);
      const controlOf = controls?.get(name);
      return {
        ...{ ...method, id: name, name, ...(controlOf !== undefined && { controlOf }) },
        ...(base !== undefined && { from: { kind: "run", name: base } }),
      };
    }),
    answers: reseed(report.answers),
    series: reseed(report.series),
    contamination: rename(report.contamination),
  };
}

/** The file of a report that is given by itself or by its folder. */
function placeOf(path: string): string {
  return resolve(path.endsWith(".json") ? path : runPaths(path).report);
}

/** The device and the backend of all reports; undefined where they differ, or one does not state it. */
function sharedPlace(reports: readonly Report[]): Partial<Place> {
  const devices = distinct(reports.map((report) => reportDevice(report) ?? null));
  const backends = distinct(reports.map((report) => reportBackend(report) ?? null));
  return {
    device: devices.length === 1 ? (devices[0] ?? undefined) : undefined,
    ...(backends.length === 1 && backends[0] ? { backend: backends[0] } : {}),
  };
}

/** What is to be said of models and devices that differ. */
function differentOrigins(reports: readonly Report[]): string[] {
  const models = distinct(reports.map(({ model }) => model.name));
  const places = distinct(
    reports.flatMap((report) => {
      const device = reportDevice(report);
      return device === undefined ? [] : [placeWords({ device, backend: reportBackend(report) })];
    }),
  );
  return [
    ...(models.length > 1
      ? [
          `The runs are of different models: ${models.join(", ")}. Their differences are not those of training alone.`,
        ]
      : []),
    ...(places.length > 1
      ? [
          `The runs were computed on different backends or devices: ${places.join(", ")}. These agree to rounding only, which training may magnify.`,
        ]
      : []),
  ];
}

/**
 * What is to be said of prompt files and label logs that two runs both read, or one of them could have, and that changed in
 * between: a difference of the runs may then be one of their data.
 */
async function changedData(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      openRun(path).then(
        ({ manifest }) => manifest.data,
        // A report file that lies by itself: nothing is known of its data.
        () => [],
      ),
    ),
  );
  const runs = found.map((data) => new Map(data.map(({ file, sha256 }) => [file, sha256])));
  const files = new Set(runs.flatMap((run) => [...run.keys()]));
  const changed = [...files].filter((prompts) => {
    const readers = runs.filter((run) => run.has(prompts));
    // Without a log nobody had labelled yet.
    const beside = [layoutPath(prompts), labelLogPath(prompts)];
    const versions = readers.map((run) => [prompts, ...beside].map((file) => run.get(file) ?? "").join(" "));
    return new Set(versions).size > 1;
  });
  if (changed.length === 0) return [];
  return [
    `Between the runs these changed: ${changed.join(", ")}. A difference may come from that, not from the recipe.`,
  ];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
