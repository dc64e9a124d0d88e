import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type Judgement, judgementSchema } from "../protocol/judgement.ts";
import type { MethodAnswers, PromptResult } from "../protocol/report/answers.ts";
import { appendLines } from "../storage/append.ts";
import { sha256 } from "../storage/hash.ts";
import { logLines } from "../storage/text.ts";
import { writeFailure } from "./failures.ts";
import { runPaths } from "./folder.ts";

/** A log of judgements as read: all of them in the file's order, and the lines that are none. */
export interface JudgementLog {
  readonly judgements: readonly Judgement[];
  /** 1-based numbers of the lines that were skipped. */
  readonly broken: readonly number[];
}

/** The log of judgements that lies beside a report. @param report a run folder, or a report file. */
export function judgementsPath(report: string): string {
  return runPaths(report.endsWith(".json") ? dirname(report) : report).judgements;
}

/**
 * Reads a log of judgements; a file that does not exist is an empty log. A broken line, as a crash in the middle of a
 * write leaves, is reported and skipped: the file is never rewritten.
 *
 * @throws DiscernError `run-invalid` when the file exists and cannot be read.
 */
export async function readJudgements(path: string): Promise<JudgementLog> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { judgements: [], broken: [] };
    const reason = (cause as Error).message;
    throw new DiscernError("run-invalid", `${path} cannot be read: ${reason}. Fix its permissions.`, {
      cause,
    });
  }
  const judgements: Judgement[] = [];
  const broken: number[] = [];
  let number = 0;
  for (const line of logLines(bytes)) {
    number++;
    if (line?.trim() === "") continue;
    const judgement = line === null ? undefined : parseLine(line);
    if (judgement === undefined) broken.push(number);
    else judgements.push(judgement);
  }
  return { judgements, broken };
}

function parseLine(line: string): Judgement | undefined {
  try {
    return judgementSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * Appends judgements, in one write.
 *
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function appendJudgements(path: string, judgements: readonly Judgement[]): Promise<void> {
  const lines = judgements.map((judgement) => JSON.stringify(judgementSchema.parse(judgement)));
  if (lines.length === 0) return;
  try {
    await appendLines(path, lines);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** SHA-256 of an answer, by which a judgement knows it again. */
export function responseHash(response: string): string {
  return sha256(response);
}

/** Judgements by the `answerKey` of the answer that they are about. */
export type Judged = ReadonlyMap<string, Judgement>;

/** What an answer is known by: its prompt and its very words. */
export function answerKey({ id, response }: Pick<PromptResult, "id" | "response">): string {
  return keyOf(id, responseHash(response));
}

const keyOf = (id: string, hash: string) => `${id} ${hash}`;

/**
 * What holds for each answer that was judged: the latest by its time, and of two at the same time the one further down.
 * So logs merge by concatenation, in any order. One that takes back is kept, for it may take back a verdict that a
 * report already carries.
 */
export function currentJudgements(judgements: readonly Judgement[]): Judged {
  const current = new Map<string, Judgement>();
  for (const judgement of judgements) {
    const key = keyOf(judgement.id, judgement.response);
    const earlier = current.get(key);
    if (!earlier || Date.parse(judgement.at) >= Date.parse(earlier.at)) current.set(key, judgement);
  }
  return current;
}

/**
 * Answers with the verdicts of people, where there are any.
 *
 * @returns the very array that was given, where no verdict changes.
 */
export function withJudgements(answers: readonly MethodAnswers[], judged: Judged): readonly MethodAnswers[] {
  // Only what may have been judged is hashed: a log of many runs knows prompts that a report does not have.
  const prompts = new Set([...judged.values()].map(({ id }) => id));
  let changed = false;
  const found = answers.map((each) => ({
    ...each,
    results: each.results.map((result) => {
      const judgement = prompts.has(result.id) ? judged.get(answerKey(result)) : undefined;
      if (judgement === undefined || (judgement.verdict ?? undefined) === result.human) return result;
      changed = true;
      const { human: _, ...rest } = result;
      return judgement.verdict === null ? rest : { ...rest, human: judgement.verdict };
    }),
  }));
  return changed ? found : answers;
}
