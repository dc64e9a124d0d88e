import { dirname } from "node:path";
import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { JudgeSpec } from "../../protocol/judges.ts";
import { type OpeningsFile, openingsFileSchema } from "../../protocol/openings.ts";
import { outcomeOf } from "../../protocol/report/verdicts.ts";
import type { Source } from "../../protocol/source.ts";
import type { Spent } from "../../protocol/spent.ts";
import type { Suite } from "../../protocol/suite.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import { sha256 } from "../../storage/hash.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import {
  type DerivationOptions,
  derivedOpenings,
  type JudgedSamples,
  openingsCaveats,
} from "../evaluate/derivedOpenings.ts";
import { judgeTexts, Spending } from "../evaluate/judging.ts";
import { type TextAnswer, textAnswers } from "../probe/sample.ts";
import { startFiles } from "../run/start.ts";
import { type AskOptions, cutOffBy, type Following, openAdapted } from "./ask.ts";
import type { OpeningSubject } from "./openingSubjects.ts";
import { openingsQuestion } from "./openingsQuestion.ts";

export interface OpeningsOptions extends Omit<Following, "onProgress"> {
  readonly judge: JudgeSpec;
  readonly seed: number;
  readonly derivation: DerivationOptions;
  readonly batchSize: number;
  /** Suites that are tested on, beside those of the runs: no prompt may be in them. */
  readonly suites: readonly Suite[];
  /** `….openings.json`, which does not exist yet. */
  readonly out: string;
  /** Told how many answers each model has given. */
  readonly onProgress?: (model: string, done: number, total: number) => void;
  readonly onJudging?: (judge: string, done: number, total: number) => void;
  /** Told what will be sampled, before any model is opened. */
  readonly onPlanned?: (models: number, prompts: number) => void;
  readonly onNotices?: (notices: readonly string[]) => void;
  /** Told what a judge that is a service was asked and cost, also where it failed. */
  readonly onSpent?: (spent: readonly Spent[]) => void;
}

/** The answers of one model, before they are judged. */
interface Sampled {
  readonly about: JudgedSamples["about"];
  readonly encoder: PromptEncoder;
  readonly answers: readonly (TextAnswer & { readonly id: string })[];
}

/**
 * Derives openings of a refusal from models' own answers to training prompts, and writes their file. Models answer one after another;
 * a judge reads the answers when all are there. The same seed gives the same openings.
 *
 * @param named models and run folders.
 * @throws DiscernError `request-invalid` for prompts that are tested on, a judge that is not asked about refusal, answers that all
 *   refuse or all comply, and a file that exists; as `openAdapted` and `selectPrompts`; `run-unwritable`, `disk-full`; the reason of `signal`.
 */
export async function deriveOpenings(
  named: readonly string[],
  sources: readonly Source[],
  ask: Omit<AskOptions, "model">,
  options: OpeningsOptions,
): Promise<OpeningsFile> {
  const { seed, derivation, signal } = options;
  const { path, judge, subjects, records, described, notices, near } = await openingsQuestion(
    named,
    sources,
    ask,
    options,
  );
  options.onNotices?.([...notices, ...near]);
  options.onPlanned?.(subjects.length, records.length);
  const sampled: Sampled[] = [];
  for (const subject of subjects) sampled.push(await sampledAnswers(subject, records, options));
  const spending = new Spending();
  const verdicts = await judgeTexts(
    judge,
    sampled.flatMap(({ answers }) => answers),
    { signal, ...spending.following, ...(options.onJudging && { onProgress: options.onJudging }) },
  ).finally(() => options.onSpent?.(spending.spent));
  let next = 0;
  const judged = sampled.map(({ answers, ...rest }) => ({
    ...rest,
    answers: answers.map(({ id, ids }) => ({
      ...{ prompt: id, ids },
      outcome: outcomeOf({ verdicts: { judge: verdicts[next++]! } }, "judge"),
    })),
  }));
  const outcomes = judged.flatMap(({ answers }) => answers.map(({ outcome }) => outcome));
  refuseOneSided(outcomes, judge.id);
  const found = await derivedOpenings(judged, derivation, seed);
  if (found === null) throw noOpenings(derivation, judge.id);
  const { reached: _, ...derived } = found;
  const { id, version, title } = await judge.info();
  const file: OpeningsFile = openingsFileSchema.parse({
    format: 1,
    created: new Date().toISOString(),
    ...derived,
    options: derivation,
    seed,
    judge: { id, version, title, ...(spending.spent.length > 0 && { services: spending.spent }) },
    prompts: {
      sources: described,
      asked: records.map(({ id, prompt, source, line }) => ({ id, prompt, file: source, line })),
    },
    caveats: [...near, ...openingsCaveats(found, derivation, { id, isString: judge.immediate })],
  });
  try {
    await makeFolders(dirname(path));
    await writeAtomic(path, `${JSON.stringify(file, null, 1)}\n`);
  } catch (error) {
    throw writeFailure(error, path);
  }
  return file;
}

async function sampledAnswers(
  { name, ask }: OpeningSubject,
  records: readonly PromptRecord[],
  { derivation, seed, batchSize, signal, onProgress }: OpeningsOptions,
): Promise<Sampled> {
  await using session = await openAdapted(ask);
  const { asked, encoder, loaded, template, starts } = session;
  const rows = [];
  for (const { id, prompt } of records) rows.push({ id, prompt, ids: await encoder.prompt(prompt) });
  const fitting = rows.filter(({ ids }) => ids.length < asked.shape.contextLength);
  if (fitting.length < rows.length) {
    ask.onWarning?.(
      `${rows.length - fitting.length} of the ${rows.length} prompts do not fit into the context of ${name} and were not asked.`,
    );
  }
  const { samples, maxNewTokens } = derivation;
  const total = fitting.length * samples;
  const answers = await cutOffBy(signal, session, () =>
    textAnswers(asked, encoder, fitting, {
      ...{ samples, seed, maxNewTokens, batchSize },
      onProgress: (done) => onProgress?.(name, done, total),
    }),
  );
  const files = [
    ...(await loaded.fingerprint()),
    ...(await Promise.all(starts.map(startFiles))).flatMap((one) => one.files),
  ];
  return {
    about: {
      name,
      model: loaded.name,
      files: files.map(({ file, sha256 }) => ({ file, sha256 })),
      tokenizer: sha256(JSON.stringify(loaded.tokenizerFiles)),
      template: template.name,
    },
    encoder,
    answers: answers.flatMap((each, i) => each.map((answer) => ({ ...answer, id: fitting[i]!.id }))),
  };
}

/** @throws DiscernError `request-invalid` where answers all refuse or all comply: nothing tells the two apart then. */
function refuseOneSided(outcomes: readonly string[], judge: string): void {
  const count = (outcome: string) => outcomes.filter((each) => each === outcome).length;
  const [refused, complied] = [count("refused"), count("complied")];
  if (refused > 0 && complied > 0) return;
  throw new DiscernError(
    "request-invalid",
    `By the judge ${judge}, ${refused} of ${outcomes.length} answers refuse and ${complied} comply (the others are undetermined), so ` +
      "there is nothing to tell apart. Name toxic and harmless prompts, a model that refuses, or another judge.",
  );
}

function noOpenings({ falseShare, support, depth }: DerivationOptions, judge: string): DiscernError {
  return new DiscernError(
    "request-invalid",
    `No beginning of at most ${depth} tokens that refusals to ${support} prompts share (by the judge ${judge}) is rare enough among ` +
      `compliances (at most ${100 * falseShare} % of them). Ask more prompts, or allow more with --depth or --false-share.`,
  );
}
