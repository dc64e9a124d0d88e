/**
 * Questions of several choices by log-likelihood, as EleutherAI's lm-evaluation-harness asks and scores them (task type
 * `multiple_choice`, checked against version 0.4.13): Σ log p of the tokens of " " + choice behind the question. No chat
 * template; what the tokenizer itself puts before a text (a BOS) is put before the question, and nothing else.
 */
import type { ChoiceItem } from "../../dataset/choices.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { ChoiceResult, LeftOut } from "../../protocol/report/answers.ts";
import type { SuiteAnswers } from "../../protocol/report/suiteAnswers.ts";
import type { ChoiceSuite } from "../../recipe/suites.ts";
import type { Backend, Tokens, TrieScore } from "../backend/backend.ts";
import { type Kept, withKept } from "../probe/kept.ts";
import { pathTrie } from "../probe/tokenTrie.ts";
import type { ModelTokenizer } from "../tokenizer/tokenizer.ts";

export interface ChoiceOptions {
  readonly onProgress?: (done: number, total: number) => void;
  /** What is known of a suite that was begun earlier: for each pass the log-likelihoods of its choices. */
  readonly kept?: Kept<number[]>;
}

/** A question as text: what stands before the answer, and its answers, without the space before them. */
export interface AskedQuestion {
  readonly item: ChoiceItem;
  readonly context: string;
  readonly answers: readonly string[];
}

/** What is run at once: the tokens of a context, and behind it those of some answers of one question. */
interface Pass {
  readonly question: number;
  readonly prompt: Tokens;
  readonly answers: readonly number[];
  readonly sequences: readonly Tokens[];
}

/**
 * Scores every choice of the questions of a suite. All choices of a question run behind its context in one pass; questions
 * with the same worked examples share them.
 *
 * @throws DiscernError "dataset-empty" as {@link questionsOf}, and where no question fits; ("output-not-finite").
 */
export async function answerChoices(
  backend: Backend,
  tokenizer: ModelTokenizer,
  suite: ChoiceSuite,
  { onProgress, kept }: ChoiceOptions = {},
): Promise<SuiteAnswers> {
  const questions = questionsOf(suite);
  const { passes, leftOut } = await passesOf(questions, tokenizer, backend.shape.contextLength, suite.name);
  const found = questions.map(({ answers }) => new Array<number>(answers.length));
  let before = 0;
  for (const group of groupsOf(passes, questions, suite.shots)) {
    const own = group.map((i) => passes[i]!);
    const tries = own.map(({ sequences }) => pathTrie(sequences));
    const prompts = own.map(({ prompt }) => prompt);
    const scores = await withKept<TrieScore, number[]>(
      own.length,
      {
        ...(onProgress && { onProgress: (done) => onProgress(before + done, passes.length) }),
        ...(kept && { kept: keptOf(kept, group) }),
      },
      (batches) =>
        backend.score(
          prompts,
          tries.map(({ trie }) => trie),
          batches,
        ),
      ({ logProbabilities }, i) =>
        tries[i]!.paths.map((path) => path.reduce((sum, edge) => sum + logProbabilities[edge]!, 0)),
    );
    for (const [i, { question, answers }] of own.entries()) {
      for (const [k, answer] of answers.entries()) found[question]![answer] = scores[i]![k]!;
    }
    before += own.length;
  }
  const asked = new Set(passes.map(({ question }) => question));
  const choices = questions.flatMap((question, i) =>
    asked.has(i) ? [resultOf(question, found[i]!, suite)] : [],
  );
  return { results: [], choices, leftOut };
}

/**
 * The questions of a suite as texts: a description, worked examples and the question, as its declaration says. The examples
 * are the first of the question's category, or of all where it has none.
 *
 * @throws DiscernError "dataset-empty" where there are fewer examples than shots.
 */
export function questionsOf({ name, reading, items, shots, examples }: ChoiceSuite): AskedQuestion[] {
  const byCategory = Map.groupBy(examples, ({ category }) => category);
  const filled = (template: string, { question, choices, category = "" }: ChoiceItem) => {
    const values: Record<string, string> = {
      question,
      choices: choices.map((choice, i) => `${letter(i)}. ${choice}`).join("\n"),
      category: category.replaceAll("_", " "),
    };
    return template.replaceAll(/\{(question|choices|category)\}/g, (_, key: string) => values[key]!);
  };
  const answersOf = ({ choices }: ChoiceItem) =>
    reading.scored === "letter" ? choices.map((_, i) => letter(i)) : choices;
  return items.map((item) => {
    const worked = (byCategory.get(item.category) ?? []).slice(0, shots);
    if (worked.length < shots) {
      const where = item.category === undefined ? "" : ` of the category "${item.category}"`;
      throw new DiscernError(
        "dataset-empty",
        `The suite ${name} asks for ${shots} worked examples before each question, and has ${worked.length}${where}. Set "shots" to ${worked.length} or less.`,
      );
    }
    const shown = worked.map(
      (example) => `${filled(reading.prompt, example)} ${answersOf(example)[example.answer]!}\n\n`,
    );
    const context = [filled(reading.description ?? "", item), ...shown, filled(reading.prompt, item)];
    return { item, context: context.join(""), answers: answersOf(item) };
  });
}

/** Number of the choice that a model finds most likely, the first of equals; per character or byte where asked for. */
export function chosen(
  { logLikelihoods, characters, bytes }: ChoiceResult,
  per: "choice" | "character" | "byte" = "choice",
): number {
  const lengths = per === "character" ? characters : bytes;
  const scores = per === "choice" ? logLikelihoods : logLikelihoods.map((sum, i) => sum / lengths[i]!);
  return scores.indexOf(scores.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY));
}

const letter = (i: number) => String.fromCharCode(65 + i);

function resultOf(
  { item: { id, category, answer }, answers }: AskedQuestion,
  logLikelihoods: number[],
  { name, reading }: ChoiceSuite,
): ChoiceResult {
  return {
    ...{ id, suite: name, gold: answer, scored: reading.scored, logLikelihoods },
    ...(category === undefined ? {} : { category }),
    characters: answers.map((text) => [...text].length),
    bytes: answers.map((text) => Buffer.byteLength(text)),
  };
}

/** What Python's `str.rstrip` takes off the end of a text, information separators (U+001C to U+001F) aside. */
const trailingSpace = /(?:(?!\ufeff)\s|\u0085)+$/;

/**
 * The tokens of a context and of an answer behind it. White space at the context's end goes to the answer; both are encoded
 * together, and what lies behind as many tokens as the context alone has is the answer's.
 */
export async function encodeAnswer(
  tokenizer: ModelTokenizer,
  context: string,
  answer: string,
): Promise<{ context: Tokens; answer: Tokens }> {
  const spaces = trailingSpace.exec(context)?.[0] ?? "";
  const text = context.slice(0, context.length - spaces.length);
  if (text === "") {
    const [first] = [tokenizer.bosId ?? tokenizer.eosIds[0]];
    const ids = await tokenizer.encode(spaces + answer);
    if (first === undefined || ids[0] === first) return { context: ids.slice(0, 1), answer: ids.slice(1) };
    return { context: [first], answer: ids };
  }
  // A text that writes out the token that begins it gets no second one.
  const begin = tokenizer.bosText === "" || !text.startsWith(tokenizer.bosText);
  const [head, whole] = [
    await tokenizer.encode(text, { begin }),
    await tokenizer.encode(text + spaces + answer, { begin }),
  ];
  return { context: head, answer: whole.slice(head.length) };
}

/**
 * The passes that score all answers: one a question, and where a question is too long for the model's context one an answer,
 * cut on the left to as much as its own answer leaves room for.
 */
async function passesOf(
  questions: readonly AskedQuestion[],
  tokenizer: ModelTokenizer,
  context: number,
  suite: string,
): Promise<{ passes: Pass[]; leftOut: LeftOut[] }> {
  const passes: Pass[] = [];
  const leftOut: LeftOut[] = [];
  for (const [question, { item, context: text, answers }] of questions.entries()) {
    const encoded = await Promise.all(answers.map((answer) => encodeAnswer(tokenizer, text, ` ${answer}`)));
    const wrong = encoded.findIndex(({ answer }) => answer.length === 0 || answer.length > context);
    if (wrong >= 0) {
      const has = encoded[wrong]!.answer.length;
      leftOut.push({
        suite,
        id: item.id,
        prompt: item.question.length > 60 ? `${item.question.slice(0, 60)}…` : item.question,
        reason: `choice ${letter(wrong)} of line ${item.line} of ${item.source} has ${has} tokens, and the model's context holds ${context}`,
      });
      continue;
    }
    const shared = encoded[0]!.context;
    const all = [...answers.keys()];
    const alike = encoded.every((each) => each.context.join() === shared.join());
    // The last token of an answer is not run.
    const fits = encoded.every(({ answer }) => shared.length + answer.length <= context + 1);
    if (alike && fits) {
      const sequences = encoded.map(({ answer }) => answer);
      passes.push({ question, prompt: shared, answers: all, sequences });
      continue;
    }
    for (const [i, each] of encoded.entries()) {
      const prompt = each.context.slice(-(context + 1 - each.answer.length));
      passes.push({ question, prompt, answers: [i], sequences: [each.answer] });
    }
  }
  if (passes.length > 0) return { passes, leftOut };
  throw new DiscernError(
    "dataset-empty",
    `No question of the suite "${suite}" fits into the model's context. The first: ${leftOut[0]?.reason}.`,
  );
}

/** Questions of a category from which on its worked examples are run once for all: a graph of its own is compiled then. */
const sharing = 16;

/** Passes by what they share: with worked examples, those of each category that has many questions; else all. */
function groupsOf(passes: readonly Pass[], questions: readonly AskedQuestion[], shots: number): number[][] {
  const all = [...passes.keys()];
  if (shots === 0) return [all];
  const byCategory = [...Map.groupBy(all, (i) => questions[passes[i]!.question]!.item.category).values()];
  const rest = byCategory.filter(({ length }) => length < sharing).flat();
  return [...byCategory.filter(({ length }) => length >= sharing), rest].filter(({ length }) => length > 0);
}

function keptOf(kept: Kept<number[]>, group: readonly number[]): Kept<number[]> {
  return {
    known: (i) => kept.known(group[i]!),
    keep: (found) => kept.keep(found.map(([i, sums]) => [group[i]!, sums] as const)),
  };
}
