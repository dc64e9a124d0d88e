import { basename, dirname, extname, resolve } from "node:path";
import * as z from "zod";
import { requirePromptFiles } from "../../dataset/missingFiles.ts";
import { resolveSource } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { asFileName } from "../../protocol/fileName.ts";
import type { JudgeSpec } from "../../protocol/judges.ts";
import { openingTexts, type RecipeOpenings, refusalOpenings } from "../../protocol/openings.ts";
import { type Method, untrainedMethod } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { SamplingRecipe } from "../../protocol/sampling.ts";
import { type Source, sourceSchema } from "../../protocol/source.ts";
import { spentSentence } from "../../protocol/spent.ts";
import { isOwnSuite, POOLED, type Suite, suitesSchema } from "../../protocol/suite.ts";
import { suiteSuffix } from "../../protocol/suiteDeclaration.ts";
import { frozenOpenings, measuredBy, openingsOverlap } from "../../recipe/openings.ts";
import { readSuite } from "../../recipe/suites.ts";
import { unjudgedSuites } from "../../recipe/unjudged.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { isReport, runPaths } from "../../runFolder/folder.ts";
import { makeFolders } from "../../storage/folders.ts";
import { type AskedSuite, answerSuites, methodAnswers } from "../evaluate/answers.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import { judgeAnswers, Spending } from "../evaluate/judging.ts";
import { buildReport } from "../evaluate/report.ts";
import { writeReport } from "../run/evaluation.ts";
import { folderName, startMethod } from "../run/start.ts";
import { interventionOf, steeringName } from "../run/steering.ts";
import { releaseModel } from "../session/session.ts";
import { type AskOptions, cutOffBy, openAdapted } from "./ask.ts";

/**
 * Suites as they are written on a command line: the id of a known suite or the path of a suite file (`xstest`, `own.suite.json`), or a
 * prompt file. `?key=value&key=value` behind it sets keys of a recipe's suite or source (`limit`, `kinds`, `split`, `label`, …) and
 * `name` for its name in the report. Without a `name` a prompt file's suite is called after the file; files of one name are distinguished
 * by the folders they are in, and the same file by a number.
 *
 * @throws DiscernError `request-invalid` that names the key, or two suites that were given one name.
 */
export function parseSuites(texts: readonly string[]): Suite[] {
  const parsed = texts.map((text) => ({ text, ...parsePlace(text) }));
  const isFile = ({ place }: (typeof parsed)[number]) => isPromptFile(place);
  const given = parsed.flatMap((each) => each.keys.name ?? (isFile(each) ? [] : each.place));
  const named = distinctNames(
    parsed.flatMap((each) => (isFile(each) && each.keys.name === undefined ? each.place : [])),
    given.map(String),
  );
  const suites = parsed.map((each) => {
    if (!isFile(each)) return { suite: each.place, ...each.keys };
    const { name, source } = parseSource(each.text);
    return { name: name ?? named.shift()!, source };
  });
  const checked = suitesSchema.safeParse(suites);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const index = Number(issue!.path[0]);
  const key = issue!.path.slice(1).join(".");
  const value = parsed[index]!.keys[key];
  throw new DiscernError(
    "request-invalid",
    `The suite ${texts[index]}${key === "" ? "" : `, ${key}`}${value === undefined ? "" : ` ${JSON.stringify(value)}`}: ${issue!.message}.` +
      (key === "name" ? ` Give it another name, for example ${parsed[index]!.place}?name=other.` : ""),
  );
}

/** Whether a text names a prompt file, and not a suite by its id or its suite file. */
export function isPromptFile(place: string): boolean {
  return !place.endsWith(suiteSuffix) && (place.startsWith("starter:") || extname(place) !== "");
}

/**
 * Prompts of a file as they are written on a command line.
 *
 * @throws DiscernError `request-invalid` that names the key.
 */
export function parseSource(text: string): { name: string | undefined; source: Source } {
  const { place, keys } = parsePlace(text);
  const { name, ...rest } = keys;
  const source = sourceSchema.safeParse({ file: place, ...rest });
  if (source.success) return { name: name as string | undefined, source: source.data };
  throw new DiscernError("request-invalid", `The suite ${text}: ${z.prettifyError(source.error)}`);
}

const numbers = new Set(["limit", "seed", "shots"]);
const lists = new Set(["labels", "kinds", "exceptKinds", "exclude"]);

/** `PLACE?key=value&key=value` in its parts. */
function parsePlace(text: string): { place: string; keys: Record<string, string | number | string[]> } {
  const [, place = text, query = ""] = /^(.*?)(?:\?([^?]*=[^?]*))?$/s.exec(text) ?? [];
  const keys = [...new URLSearchParams(query)].map(([key, value]) => [
    key,
    numbers.has(key) ? Number(value) : lists.has(key) ? value.split(",") : value,
  ]);
  return { place, keys: Object.fromEntries(keys) };
}

/**
 * Names of suites after their files: the base name, with as many folders before it as tell the files apart.
 *
 * @param taken names that are given already.
 */
function distinctNames(files: readonly string[], taken: readonly string[]): string[] {
  const used = new Set([...taken, POOLED].map((name) => name.toLowerCase()));
  const parts = files.map((file) => {
    const path = file.replace(/^starter:/, "");
    return [...dirname(path).split(/[\\/]+/), basename(path, extname(path))].filter(
      (part) => !/^\.*$/.test(part),
    );
  });
  const nameOf = (i: number, depth: number) => asFileName(parts[i]!.slice(-depth).join("-"), "suite");
  return files.map((file, i) => {
    let depth = 1;
    const clashes = () =>
      files.some(
        (other, j) => other !== file && nameOf(j, depth).toLowerCase() === nameOf(i, depth).toLowerCase(),
      );
    while (depth < parts[i]!.length && clashes()) depth++;
    const name = nameOf(i, depth);
    let unique = name;
    for (let n = 2; used.has(unique.toLowerCase()); n++) unique = `${name}-${n}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}

export interface EvaluateOptions {
  /** Name of the method in the report; the adapters' folders, or "untrained" without one, where left out. */
  readonly name?: string | undefined;
  /** Judges of the answers; XSTest's rules where left out. */
  readonly judges?: readonly JudgeSpec[];
  readonly suites: readonly Suite[];
  readonly maxNewTokens: number;
  readonly batchSize: number;
  /** Answers that are sampled besides; none where left out. */
  readonly sampling?: SamplingRecipe | undefined;
  /** Openings of a refusal, or the file of derived ones; the default list where left out. */
  readonly openings?: RecipeOpenings | undefined;
  /** Folder that the report is written into. */
  readonly out: string;
  readonly onProgress?: (suite: string, done: number, total: number) => void;
  /** Told how many answers a judge with a model has read. */
  readonly onJudging?: (judge: string, done: number, total: number) => void;
  /** Told before anything is computed what a person must know of the files' rows and labels; the report says it, too. */
  readonly onNotices?: (notices: readonly string[]) => void;
  /** Ends the work within one batch, by throwing its reason; no report is written then. */
  readonly signal?: AbortSignal;
}

/**
 * Evaluates a model on suites and writes the report, which can be compared with those of runs.
 *
 * @throws DiscernError as `openAdapted`, `readSuite` and `answerSuites`; `request-invalid` for a judge that
 *   there is not; `run-invalid` when the folder has a report already; `run-unwritable`; `disk-full`.
 */
export async function evaluateModel(ask: AskOptions, options: EvaluateOptions): Promise<Report> {
  const { suites, out, onProgress, signal } = options;
  const { root, threads } = ask;
  const judges = await judgesOf(options.judges ?? ["xstest"], { root, threads });
  const openings = frozenOpenings(options.openings ?? [...refusalOpenings], root);
  const paths = runPaths(resolve(out));
  if (await isReport(paths.folder)) {
    throw new DiscernError(
      "run-invalid",
      `${paths.report} exists; a report is never overwritten. Choose another folder with --out.`,
    );
  }
  const own = suites.filter(isOwnSuite);
  await requirePromptFiles(own.map(({ source }) => resolveSource(source.file, { root: ask.root })));
  try {
    await makeFolders(paths.folder);
  } catch (error) {
    throw writeFailure(error, paths.folder);
  }
  // Prompts first: they are read in a moment, and most faults are in them.
  const read: AskedSuite[] = [];
  const found = new Set<string>();
  for (const suite of suites) {
    const part = await readSuite(suite, { root: ask.root });
    for (const notice of part.notices) found.add(notice);
    read.push(part);
  }
  const unjudged = unjudgedSuites(
    read,
    judges.map(({ question }) => question),
  );
  const notices = [
    ...found,
    ...[...openingsOverlap(openings, read), ...unjudged].map(({ message }) => message),
  ];
  options.onNotices?.(notices);
  const answered = read.reduce((sum, suite) => sum + ("items" in suite ? 0 : suite.records.length), 0);
  const questions = read.reduce((sum, suite) => sum + ("items" in suite ? suite.items.length : 0), 0);
  const perPrompt = (1 + (options.sampling?.samples ?? 0)) * options.maxNewTokens;
  const work = { prompts: answered + questions, tokens: answered * perPrompt };
  await using session = await openAdapted({ work, ...ask });
  const { backend, encoder, loaded, template, starts, steered } = session;
  const asked = { template: template.name, ...(ask.chat ?? { thinking: false }) };
  const method: Method = {
    ...askedMethod(ask.adapters, options.name, asked, ask.steering),
    ...(starts.length > 0 && { from: startMethod(starts).from }),
    interventions: steered ? [interventionOf(steered.record)] : [],
  };
  const answers = await cutOffBy(signal, session, () =>
    answerSuites(backend, encoder, read, {
      openings: openingTexts(openings),
      maxNewTokens: options.maxNewTokens,
      batchSize: options.batchSize,
      ...(options.sampling && { sampling: { ...options.sampling, seed: 0 } }),
      ...(onProgress ? { onProgress } : {}),
      ...(steered && { steered: steered.backend }),
    }),
  );
  const model = { name: loaded.name, device: backend.device, backend: backend.about };
  if (judges.some(({ immediate }) => !immediate)) await releaseModel(session);
  const measured = measuredBy(openings);
  const given = [methodAnswers(method.id, 0, answers, {}, measured.hash)];
  const spending = new Spending();
  const following = {
    signal,
    ...spending.following,
    ...(options.onJudging && { onProgress: options.onJudging }),
  };
  let failure: unknown = null;
  const judged = await judgeAnswers(given, judges, following).catch((error: unknown) => {
    signal?.throwIfAborted();
    failure = error;
    return judgeAnswers(
      given,
      judges.filter(({ immediate }) => immediate),
    );
  });
  const report = buildReport({
    ...{ model, methods: [method], judges: judged.judges, answers: judged.answers },
    openings: [measured],
    notes: [
      ...template.warnings,
      ...notices,
      ...(steered?.notes ?? []),
      ...spending.spent.map((spent) => spentSentence(spent)),
      ...judged.notes,
    ],
  });
  try {
    await writeReport(report, paths);
  } catch (error) {
    throw writeFailure(error, paths.folder);
  }
  if (failure !== null) throw judgingFailed(failure, paths.folder);
  return report;
}

/** Why a report lacks verdicts, where its answers are kept and can be judged later. */
function judgingFailed(cause: unknown, folder: string): unknown {
  if (!(cause instanceof DiscernError)) return cause;
  return new DiscernError(
    cause.code,
    `${cause.message} The answers are kept in ${folder}, without this judge's verdicts. Once it works: discern judge ${folder} --judge … --out FOLDER.`,
    { cause },
  );
}

/** The method that a model, adapters on it, or an inference-time method on either, is in a report. */
export function askedMethod(
  adapters: readonly string[] = [],
  name: string | undefined,
  asked?: Method["asked"],
  steering?: string,
): Method {
  const untrained = untrainedMethod(asked);
  const found =
    steering !== undefined
      ? steeringName(resolve(steering))
      : adapters.length === 0
        ? untrained.name
        : adapters.map(folderName).join(" + ");
  const named = name ?? found;
  const paths = adapters.map((adapter) => resolve(adapter));
  const [path] = paths;
  const from: Method["from"] =
    path === undefined
      ? untrained.from
      : paths.length === 1
        ? { kind: "adapter", path }
        : { kind: "adapters", paths };
  return { ...untrained, id: named, name: named, from };
}
