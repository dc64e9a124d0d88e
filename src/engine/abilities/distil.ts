import { basename, dirname, extname, resolve } from "node:path";
import { requirePromptFiles } from "../../dataset/missingFiles.ts";
import { selectPart } from "../../dataset/parts.ts";
import { resolveSource } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { JudgeSpec } from "../../protocol/judges.ts";
import type { Made } from "../../protocol/made.ts";
import type { SelfDistilled } from "../../protocol/recipe.ts";
import type { Source } from "../../protocol/source.ts";
import type { Spent } from "../../protocol/spent.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { makeFolders } from "../../storage/folders.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import { Spending } from "../evaluate/judging.ts";
import { answered } from "../run/gatherPairs.ts";
import { madeCounts, madePart, readMade, writeMade } from "../run/madeFile.ts";
import { distinct, rowOf } from "../run/making.ts";
import { type AskOptions, cutOffBy, type Following, openAdapted } from "./ask.ts";

export interface DistilOptions extends Following, Omit<SelfDistilled, "type" | "judge"> {
  readonly judge: JudgeSpec;
  /** Prompts answered together. */
  readonly batchSize: number;
  /** Seed of sampled answers. */
  readonly seed: number;
  /** Tokens that a prompt may have with its answer. */
  readonly maxTokens: number;
  /** The prompt file that is written, which ends in .jsonl. */
  readonly out: string;
  /** Told before anything is computed what a person must know of the files' rows and labels. */
  readonly onNotices?: (notices: readonly string[]) => void;
  /** Told what a judge that is a service was asked and cost, also where it failed. */
  readonly onSpent?: (spent: readonly Spent[]) => void;
}

/**
 * Writes a prompt file of a model's own helpful answers to prompts: as a run makes it, for runs that take it as given. Asked
 * again after it was cut off, it resumes with the batch it was at.
 *
 * @throws DiscernError as `openAdapted` and `selectPart`; `request-invalid` where the file is there already, is not to end in
 *   .jsonl, or the judge is not asked about refusal; `disk-full`, `run-unwritable`; the reason of `signal`.
 */
export async function distilAnswers(
  ask: AskOptions,
  sources: readonly Source[],
  options: DistilOptions,
): Promise<Made> {
  const { out, samples, temperature, instruction, maxNewTokens, batchSize, seed, signal } = options;
  const path = resolve(ask.root, out);
  if (extname(path) !== ".jsonl") {
    throw new DiscernError(
      "request-invalid",
      `${out} is to be a prompt file in JSON Lines. End its name in .jsonl.`,
    );
  }
  const [place, name] = [dirname(path), basename(path, ".jsonl")];
  if ((await readMade(place, name)) !== null) {
    throw new DiscernError(
      "request-invalid",
      `${path} exists and is never overwritten. Choose another name with --out.`,
    );
  }
  const [judge] = await judgesOf([options.judge], { root: ask.root, threads: ask.threads });
  if (judge!.question !== "refusal") {
    throw new DiscernError(
      "request-invalid",
      `The judge "${judge!.id}" is not asked about refusal, so it cannot say which answers comply. Name a judge of refusal.`,
    );
  }
  await requirePromptFiles(sources.map(({ file }) => resolveSource(file, { root: ask.root })));
  const read = [];
  for (const source of sources) read.push(await selectPart("helpful", source, { root: ask.root }));
  options.onNotices?.([...new Set(read.flatMap(({ notices }) => notices))]);
  const records = read.flatMap((part) => part.records);
  const prompts = distinct(records.map((record) => ({ ...rowOf(record), id: record.id })));
  await makeFolders(place).catch((error: unknown) => {
    throw writeFailure(error, place);
  });
  await using session = await openAdapted(ask);
  const limit = Math.min(options.maxTokens, session.loaded.architecture.contextLength);
  const kept = await madePart(place, name, "answers");
  const { onProgress } = options;
  const spending = new Spending();
  const rows = await cutOffBy(signal, session, () =>
    answered({ session }, prompts, {
      ...{ samples, temperature, instruction, maxNewTokens, batchSize, seed, limit, kept, signal },
      ...{ judge: judge!, ...spending.following },
      ...(onProgress && { onProgress }),
    }),
  ).finally(() => options.onSpent?.(spending.spent));
  await writeMade(place, name, rows, ["answers"]);
  return madeCounts(rows, { what: "helpful", file: path, judge: judge!.id });
}
