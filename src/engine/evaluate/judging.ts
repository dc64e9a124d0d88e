import type { MethodAnswers, PromptResult, SampledAnswer } from "../../protocol/report/answers.ts";
import type { Judged, JudgeInfo } from "../../protocol/report/verdicts.ts";
import { addSpent, nothingSpent, type Spent, type Usage } from "../../protocol/spent.ts";
import {
  type FollowJudge,
  isTransient,
  type Judge,
  type JudgedAnswer,
  ownTurn,
  undetermined,
} from "./judges/judge.ts";
import { keyOf, VerdictCache } from "./judges/verdictCache.ts";

export interface JudgingOptions {
  /** Told how many answers a judge has read, where it takes time. */
  readonly onProgress?: (judge: string, done: number, total: number) => void;
  /** Told what each request to a service took, before its verdict is kept. */
  readonly onUsed?: (judge: string, used: Usage) => void;
  /** Told what a judge with a model of its own computed, in floating-point operations, and the memory that its backend reports. */
  readonly onComputed?: FollowJudge["onComputed"];
  /** Told once for each judge that is a service how many verdicts it is to give and how many of them are on disk and cost nothing. */
  readonly onKnown?: (judge: string, known: number, answers: number) => void;
  /** Ends the work within one batch of a judge, by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Which answers a judge reads; all where left out. */
  readonly wanted?: (result: PromptResult, judge: JudgeInfo) => boolean;
}

/** Answers with verdicts, who gave them, and what is to be said of that. */
export interface JudgedAnswers {
  readonly answers: MethodAnswers[];
  readonly judges: JudgeInfo[];
  readonly notes: string[];
}

/**
 * Has judges read answers, one judge after another, so that never more than one model lies in memory. What a judge with a model
 * says is kept answer by answer, so that work that was cut off is resumed where it was; one that has nothing left to read is not
 * opened at all. The same words to the same prompt are judged once, whichever methods gave them.
 *
 * @param answers of the methods of one report; verdicts of other judges stay.
 * @throws what a judge throws, and the signal's reason. Verdicts up to there are kept.
 */
export async function judgeAnswers(
  answers: readonly MethodAnswers[],
  judges: readonly Judge[],
  options: JudgingOptions = {},
): Promise<JudgedAnswers> {
  let judged = [...answers];
  const infos: JudgeInfo[] = [];
  const notes: string[] = [];
  for (const judge of judges) {
    const info = await judge.info();
    infos.push(info);
    const asked = questionsOf(judged, info, options);
    const found = await verdictsOn(
      judge,
      info,
      [...asked.values()].map(({ answer }) => answer),
      options,
    );
    for (const note of found.notes) notes.push(note);
    judged = judged.map((each) => ({
      ...each,
      results: each.results.map((result): PromptResult => {
        const withVerdict = <A extends PromptResult | SampledAnswer>(answer: A): A => {
          const question = asked.get(answer);
          const verdict = question && found.verdicts.get(keyOf(question.answer));
          if (!question || !verdict) return answer;
          const against = question.against === undefined ? {} : { against: question.against };
          return { ...answer, verdicts: { ...answer.verdicts, [info.id]: { ...verdict, ...against } } };
        };
        const { sampled } = result;
        return { ...withVerdict(result), ...(sampled && { sampled: sampled.map(withVerdict) }) };
      }),
    }));
  }
  return { answers: judged, judges: infos, notes };
}

/**
 * The verdicts of a judge on answers that stand in no report, in their order.
 *
 * @throws as {@link judgeAnswers}.
 */
export async function judgeTexts(
  judge: Judge,
  answers: readonly JudgedAnswer[],
  options: Omit<JudgingOptions, "wanted"> = {},
): Promise<Judged[]> {
  const own = answers.map((answer) => ownTurn(answer));
  const { verdicts } = await verdictsOn(judge, await judge.info(), own, options);
  return own.map((answer) => verdicts.get(keyOf(answer)) ?? undetermined("timeout"));
}

/** What services were asked while answers were judged outside of a run, by judge. */
export class Spending {
  spent: Spent[] = [];

  /** What fills it, as options of {@link judgeAnswers}. */
  readonly following = {
    onUsed: (judge: string, used: Usage) => {
      this.spent = addSpent(this.spent, { service: judge, ...used });
    },
    onKnown: (judge: string, known: number, answers: number) => {
      this.spent = addSpent(this.spent, { ...nothingSpent(judge), known, answers });
    },
  };
}

/** What a judge is asked about an answer, and whose answer it is compared with. */
interface Question {
  readonly answer: JudgedAnswer;
  readonly against?: string;
}

function questionsOf(
  answers: readonly MethodAnswers[],
  info: JudgeInfo,
  { wanted = () => true }: JudgingOptions,
): Map<PromptResult | SampledAnswer, Question> {
  const found = new Map<PromptResult | SampledAnswer, Question>();
  for (const result of answers.flatMap(({ results }) => results)) {
    if (!wanted(result, info)) continue;
    const { prompt, response, ended = true, unclosed = false, reference } = result;
    const answer = ownTurn({ prompt, response, ended, unclosed });
    if (info.question === "refusal") {
      for (const sample of result.sampled ?? []) {
        const { response, ended, unclosed = false } = sample;
        found.set(sample, { answer: ownTurn({ prompt, response, ended, unclosed }) });
      }
    }
    if (info.question !== "preference") found.set(result, { answer });
    else if (reference !== undefined) {
      found.set(result, {
        answer: { prompt, response, ended, unclosed, opponent: reference },
        against: "reference",
      });
    }
  }
  return found;
}

/** Verdicts by the key of their answer: those that are kept, and what the judge says of the rest. */
async function verdictsOn(
  judge: Judge,
  info: JudgeInfo,
  asked: readonly JudgedAnswer[],
  { onProgress, onUsed, onKnown, onComputed, signal }: JudgingOptions,
): Promise<{ verdicts: Map<string, Judged>; notes: string[] }> {
  const unique = [...new Map(asked.map((answer) => [keyOf(answer), answer])).values()];
  const cache = judge.immediate ? null : await VerdictCache.open(info);
  const verdicts = new Map<string, Judged>();
  const open: JudgedAnswer[] = [];
  for (const answer of unique) {
    const known = cache?.get(answer);
    if (known) verdicts.set(keyOf(answer), known);
    else open.push(answer);
  }
  if (judge.isService) onKnown?.(judge.id, verdicts.size, unique.length);
  if (open.length === 0) return { verdicts, notes: [] };
  signal?.throwIfAborted();
  const worker = await judge.open((used) => onUsed?.(judge.id, used));
  try {
    await worker.judge(open, {
      signal,
      ...(onComputed && { onComputed }),
      async onVerdicts(found) {
        for (const [i, judged] of found) verdicts.set(keyOf(open[i]!), judged);
        const lasting = found.filter(([, judged]) => !isTransient(judged));
        await cache?.keep(lasting.map(([i, judged]) => [open[i]!, judged] as const));
        if (!judge.immediate) onProgress?.(judge.id, verdicts.size, unique.length);
      },
    });
    return { verdicts, notes: cache?.problem ? [cache.problem] : [] };
  } finally {
    await worker.close();
  }
}
