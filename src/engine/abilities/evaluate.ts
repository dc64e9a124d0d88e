import { mkdir } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import * as z from "zod";
import { selectPrompts } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { refusalOpenings } from "../../protocol/openings.ts";
import type { PromptResult, Report } from "../../protocol/report.ts";
import { type SourceInput, sourceSchema } from "../../protocol/source.ts";
import { writeFailure } from "../../run_folder/failures.ts";
import { isReport, runPaths } from "../../run_folder/folder.ts";
import { answerSuite } from "../evaluate/answers.ts";
import { buildReport } from "../evaluate/report.ts";
import { writeReport } from "../run/evaluation.ts";
import { type AskOptions, openAdapted } from "./ask.ts";

/** A prompt file that a model is evaluated on. */
export interface Suite {
  readonly name: string;
  readonly source: SourceInput;
}

/**
 * A suite as it is written on a command line: `FILE`, or `FILE?key=value&key=value` with keys of a recipe's source
 * (`split`, `label`, `limit`, `format`, …) and `name` for its name in the report.
 *
 * @throws DiscernError `request-invalid` that names the key.
 */
export function parseSuite(text: string): Suite {
  const [, file = text, query = ""] = /^(.*?)(?:\?([^?]*=[^?]*))?$/s.exec(text) ?? [];
  const { name = basename(file.replace(/^starter:/, ""), extname(file)), ...keys } = Object.fromEntries(
    new URLSearchParams(query),
  );
  const numbers = new Set(["limit", "seed"]);
  const lists = new Set(["labels", "kinds", "exceptKinds"]);
  const values = Object.entries(keys).map(([key, value]) => [
    key,
    numbers.has(key) ? Number(value) : lists.has(key) ? value.split(",") : value,
  ]);
  const source = sourceSchema.safeParse({ file, ...Object.fromEntries(values) });
  if (!source.success) {
    throw new DiscernError("request-invalid", `The suite ${text}: ${z.prettifyError(source.error)}`);
  }
  return { name, source: source.data };
}

export interface EvaluateOptions {
  /** Name of the model's arm in the report. */
  readonly name: string;
  readonly suites: readonly Suite[];
  readonly maxNewTokens: number;
  readonly batchSize: number;
  /** Folder that the report is written into. */
  readonly out: string;
  readonly onProgress?: (suite: string, done: number, total: number) => void;
  /** Stops between two tokens, by throwing its reason; no report is written then. */
  readonly signal?: AbortSignal;
}

/**
 * Evaluates a model on suites and writes the report, which can be compared with those of runs.
 *
 * @throws DiscernError as `openAdapted`, `selectPrompts` and `answerSuite`; `request-invalid` for two suites of one name;
 *   `run-invalid` when the folder has a report already; `run-unwritable`; `disk-full`.
 */
export async function evaluateModel(ask: AskOptions, options: EvaluateOptions): Promise<Report> {
  const { name, suites, out, onProgress, signal } = options;
  const twice = suites.find((suite, i) => suites.findIndex((other) => other.name === suite.name) < i);
  if (twice) {
    throw new DiscernError(
      "request-invalid",
      `Two suites are called "${twice.name}". Name one of them, for example ${twice.source.file}?name=other.`,
    );
  }
  const paths = runPaths(resolve(out));
  if (await isReport(paths.folder)) {
    throw new DiscernError(
      "run-invalid",
      `${paths.report} exists; a report is never overwritten. Choose another folder with --out.`,
    );
  }
  try {
    await mkdir(paths.folder, { recursive: true });
  } catch (error) {
    throw writeFailure(error, paths.folder);
  }
  // Prompts first: they are read in a moment, and most faults are in them.
  const read: { name: string; records: Awaited<ReturnType<typeof selectPrompts>>["records"] }[] = [];
  for (const suite of suites) {
    read.push({ name: suite.name, records: (await selectPrompts(suite.source, { root: ask.root })).records });
  }
  const { live, encoder, loaded } = await openAdapted(ask);
  const results: PromptResult[] = [];
  for (const suite of read) {
    const answered = await answerSuite(live, encoder, suite, {
      openings: refusalOpenings,
      maxNewTokens: options.maxNewTokens,
      batchSize: options.batchSize,
      onProgress: (done, total) => onProgress?.(suite.name, done, total),
      ...(signal ? { signal } : {}),
    });
    results.push(...answered);
  }
  const report = buildReport({ model: { name: loaded.name }, arms: [{ name, seed: 0, results }] });
  try {
    await writeReport(report, paths);
  } catch (error) {
    throw writeFailure(error, paths.folder);
  }
  return report;
}
