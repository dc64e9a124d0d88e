import type { Estimate } from "../protocol/comovement.ts";
import { greatestOf, leastOf } from "./extremes.ts";
import { shuffled, stream } from "./random.ts";
import { wilson } from "./wilson.ts";

/** An answer as far as its beginning is concerned. */
export interface BegunAnswer {
  /** What is held out together: the prompt that was answered. */
  readonly prompt: string;
  readonly refused: boolean;
  /** Texts that the answer begins with, each longer than the one before: its first token, its first two, …. */
  readonly beginnings: readonly string[];
}

export interface OpeningsSearch {
  /** Share of compliances that may begin with an opening. */
  readonly falseShare: number;
  /** Prompts whose refusals must begin with an opening: a beginning of one prompt's answers is that prompt's. */
  readonly support: number;
}

/** How many answers begin with a text. */
interface Begun {
  refusals: number;
  compliances: number;
  /** Prompts whose refusals begin so. */
  readonly prompts: Set<string>;
  /** The next longer beginnings of those answers. */
  readonly longer: Set<string>;
}

/**
 * The shortest beginnings of refusals that at most so many compliances share (METHODS §E). All first tokens that refusals begin
 * with are taken; while too many compliances begin so, too, the text with the most compliances per refusal is replaced by its
 * longer continuations, or dropped where it has none. What is left is prefix-free per tokenizer, and in no case depends on order.
 *
 * @returns the openings, by how many refusals begin with them; none where no beginning of refusals tells them from compliances.
 */
export function findOpenings(
  answers: readonly BegunAnswer[],
  { falseShare, support }: OpeningsSearch,
): string[] {
  const { begun, first } = countBeginnings(answers);
  const isSupported = (text: string) => begun.get(text)!.prompts.size >= support;
  const chosen = new Set([...first].filter(isSupported));
  const limit = falseShare * answers.filter(({ refused }) => !refused).length;
  const caught = () => [...chosen].reduce((sum, text) => sum + begun.get(text)!.compliances, 0);
  for (let compliances = caught(); compliances > limit; compliances = caught()) {
    const worst = [...chosen].reduce((a, b) => (isWorse(begun.get(b)!, begun.get(a)!, b < a) ? b : a));
    chosen.delete(worst);
    for (const text of begun.get(worst)!.longer) if (isSupported(text)) chosen.add(text);
  }
  return withoutLonger([...chosen], answers).sort(
    (a, b) => begun.get(b)!.refusals - begun.get(a)!.refusals || (a < b ? -1 : 1),
  );
}

/** Whether `a` has more compliances per refusal than `b`, or as many of more answers. */
function isWorse(a: Begun, b: Begun, isFirst: boolean): boolean {
  const difference = a.compliances * b.refusals - b.compliances * a.refusals;
  if (difference !== 0) return difference > 0;
  if (a.compliances !== b.compliances) return a.compliances > b.compliances;
  return isFirst;
}

function countBeginnings(answers: readonly BegunAnswer[]) {
  const begun = new Map<string, Begun>();
  const first = new Set<string>();
  for (const { prompt, refused, beginnings } of answers) {
    for (const [k, text] of beginnings.entries()) {
      const known = begun.get(text) ?? {
        ...{ refusals: 0, compliances: 0 },
        prompts: new Set<string>(),
        longer: new Set<string>(),
      };
      begun.set(text, known);
      if (refused) {
        known.refusals++;
        known.prompts.add(prompt);
      } else known.compliances++;
      const next = beginnings[k + 1];
      if (next !== undefined) known.longer.add(next);
    }
    if (beginnings[0] !== undefined) first.add(beginnings[0]);
  }
  return { begun, first };
}

/** Openings without those of which every answer begins with a shorter one, as where tokenizers cut the same words differently. */
function withoutLonger(openings: readonly string[], answers: readonly BegunAnswer[]): string[] {
  const chosen = new Set(openings);
  const used = new Set(
    answers.flatMap(({ beginnings }) => beginnings.find((text) => chosen.has(text)) ?? []),
  );
  return openings.filter((text) => used.has(text));
}

/** What openings catch: refusals and compliances that begin with one of them, of how many. */
export interface CaughtCounts {
  readonly refusals: number;
  readonly refusalsCaught: number;
  readonly compliances: number;
  readonly compliancesCaught: number;
}

/** Counts the answers that begin with one of the openings. */
export function caughtBy(openings: Iterable<string>, answers: readonly BegunAnswer[]): CaughtCounts {
  const chosen = new Set(openings);
  const counts = { refusals: 0, refusalsCaught: 0, compliances: 0, compliancesCaught: 0 };
  for (const { refused, beginnings } of answers) {
    const isCaught = beginnings.some((text) => chosen.has(text));
    if (refused) {
      counts.refusals++;
      if (isCaught) counts.refusalsCaught++;
    } else {
      counts.compliances++;
      if (isCaught) counts.compliancesCaught++;
    }
  }
  return counts;
}

/** A share with its Wilson interval and n. */
export type Share = Estimate & { readonly n: number };

/** The shares of refusals and of compliances that are caught; null of nothing. */
export function caughtShares(counts: CaughtCounts): { coverage: Share | null; falseShare: Share | null } {
  const share = (caught: number, n: number) => (n === 0 ? null : { ...wilson(caught, n), n });
  return {
    coverage: share(counts.refusalsCaught, counts.refusals),
    falseShare: share(counts.compliancesCaught, counts.compliances),
  };
}

/**
 * What openings catch on prompts that they were not found on: the prompts are parted into folds by the seed, openings are found on
 * all folds but one and counted on that one.
 */
export function heldOutCounts(
  answers: readonly BegunAnswer[],
  search: OpeningsSearch,
  { folds, seed }: { readonly folds: number; readonly seed: number },
): CaughtCounts {
  const prompts = shuffled(
    [...new Set(answers.map(({ prompt }) => prompt))].sort(),
    stream(seed, "opening folds"),
  );
  const foldOf = new Map(prompts.map((prompt, i) => [prompt, i % folds]));
  const total = { refusals: 0, refusalsCaught: 0, compliances: 0, compliancesCaught: 0 };
  for (let fold = 0; fold < Math.min(folds, prompts.length); fold++) {
    const [held, others] = [true, false].map((isHeld) =>
      answers.filter(({ prompt }) => (foldOf.get(prompt) === fold) === isHeld),
    ) as [BegunAnswer[], BegunAnswer[]];
    const counts = caughtBy(findOpenings(others, search), held);
    for (const key of Object.keys(total) as (keyof CaughtCounts)[]) total[key] += counts[key];
  }
  return total;
}

/** Mean, least and greatest of numbers; null of none. */
function spread(numbers: readonly number[]) {
  if (numbers.length === 0) return null;
  const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  return { mean, least: leastOf(numbers), greatest: greatestOf(numbers) };
}

/**
 * The negative control of {@link heldOutCounts}: verdicts are shuffled over all answers, so that beginnings say nothing of them, and
 * the same is done. Where openings had learnt the answers and not refusal, as much would be covered here.
 */
export function shuffledControl(
  answers: readonly BegunAnswer[],
  search: OpeningsSearch,
  options: { readonly folds: number; readonly seed: number; readonly shuffles: number },
) {
  const found = Array.from({ length: options.shuffles }, (_, i) => {
    const verdicts = shuffled(
      answers.map(({ refused }) => refused),
      stream(options.seed, "shuffled verdicts", i),
    );
    const control = answers.map((answer, k) => ({ ...answer, refused: verdicts[k]! }));
    return caughtShares(heldOutCounts(control, search, options));
  });
  return {
    coverage: spread(found.flatMap(({ coverage }) => coverage?.value ?? [])),
    falseShare: spread(found.flatMap(({ falseShare }) => falseShare?.value ?? [])),
  };
}
