import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { requirePromptFiles } from "../../dataset/missingFiles.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { resolveSource, selectPrompts } from "../../dataset/select.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { JudgeSpec } from "../../protocol/judges.ts";
import { type OpeningsFile, openingsSuffix } from "../../protocol/openings.ts";
import type { Source } from "../../protocol/source.ts";
import type { Suite } from "../../protocol/suite.ts";
import { fileHash } from "../../storage/hash.ts";
import type { Judge } from "../evaluate/judges/judge.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import type { AskOptions } from "./ask.ts";
import { type OpeningSubject, openingSubjects, refuseTested } from "./openingSubjects.ts";

/** What openings are derived from, read and checked before any model is opened. */
export interface OpeningsQuestion {
  /** The file that is written. */
  readonly path: string;
  readonly judge: Judge;
  readonly subjects: readonly OpeningSubject[];
  /** Different prompts, in the order of their sources. */
  readonly records: readonly PromptRecord[];
  readonly described: OpeningsFile["prompts"]["sources"];
  /** What a person must know of the prompts' files, in whole sentences. */
  readonly notices: readonly string[];
  /** What a person must know of prompts that are nearly in a suite that is tested on. */
  readonly near: readonly string[];
}

/** What is asked beside models and prompts. */
export interface OpeningsQuestionOptions {
  readonly judge: JudgeSpec;
  /** Suites that are tested on, beside those of the runs: no prompt may be in them. */
  readonly suites: readonly Suite[];
  /** `….openings.json`, which does not exist yet. */
  readonly out: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads what openings are to be derived from: models and runs, training prompts, and the judge.
 *
 * @param named models and run folders.
 * @throws DiscernError `request-invalid` for prompts that are tested on, a judge that is not asked about refusal, and a file that exists or
 *   has another name; as `openingSubjects` and `selectPrompts`; the reason of `signal`.
 */
export async function openingsQuestion(
  named: readonly string[],
  sources: readonly Source[],
  ask: Omit<AskOptions, "model">,
  options: OpeningsQuestionOptions,
): Promise<OpeningsQuestion> {
  const { root } = ask;
  const path = resolve(root, options.out);
  await refuseExisting(path, options.out);
  const judge = await refusalJudgeOf(options.judge, ask);
  const subjects = await openingSubjects(named, ask);
  const { records, described, notices } = await promptsOf(sources, root);
  const near = await refuseTested(records, subjects, options.suites, root, options.signal);
  return { path, judge, subjects, records, described, notices, near };
}

async function refuseExisting(path: string, named: string): Promise<void> {
  if (!path.endsWith(openingsSuffix)) {
    throw new DiscernError(
      "request-invalid",
      `${named}: a file of derived openings ends in ${openingsSuffix}.`,
    );
  }
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new DiscernError(
    "request-invalid",
    `${path} exists; openings that results were measured by are never overwritten. Choose another file.`,
  );
}

async function refusalJudgeOf(spec: JudgeSpec, { root, threads }: Omit<AskOptions, "model">): Promise<Judge> {
  const [judge] = await judgesOf([spec], { root, threads });
  if (judge!.question === "refusal") return judge!;
  throw new DiscernError(
    "request-invalid",
    `The judge "${judge!.id}" is not asked about refusal, so it cannot say which answers refuse. Name a judge of refusal.`,
  );
}

/** Different prompts of all sources, and what the sources are. */
async function promptsOf(sources: readonly Source[], root: string) {
  await requirePromptFiles(sources.map(({ file }) => resolveSource(file, { root })));
  const notices = new Set<string>();
  const records = new Map<string, PromptRecord>();
  const described: OpeningsFile["prompts"]["sources"] = [];
  for (const source of sources) {
    const read = await selectPrompts(source, { root });
    for (const notice of read.notices) notices.add(notice);
    const before = records.size;
    for (const record of read.records) {
      if (!records.has(record.id)) records.set(record.id, { ...record, source: source.file });
    }
    described.push({
      file: source.file,
      sha256: await fileHash(resolveSource(source.file, { root })),
      prompts: records.size - before,
    });
  }
  return { records: [...records.values()], described, notices: [...notices] };
}
