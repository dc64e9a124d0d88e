import type { ParamsInput, Result } from "../../protocol/rpc.ts";
import {
  type PlaygroundFromPage,
  type PlaygroundSubject,
  type PlaygroundToPage,
  type Side,
  sides,
} from "../../protocol/webview/playground.ts";
import { without, wordsOf } from "./words.ts";

/** Two subjects side by side; null where none is chosen. */
export type Subjects = readonly [PlaygroundSubject | null, PlaygroundSubject | null];

type Asked = Omit<ParamsInput<"tryPrompt">, "subject">;
type Told = Exclude<PlaygroundToPage, { type: "subjects" | "memory" }>;
type FoundOf<Type extends Told["type"]> = Type extends unknown
  ? Omit<Extract<Told, { type: Type }>, "ask" | "side">
  : never;
/** What is found of a prompt on a side. */
export type Found = FoundOf<"score" | "words" | "answer" | "failed">;

/** Asks the engine; `doing` says what for, in words for a person. */
export type Call = (
  side: Side,
  subject: PlaygroundSubject,
  doing: string,
  asked: Asked,
) => Promise<Result<"tryPrompt">>;

/** What is known of a prompt on a side, as it was posted. Answers are greedy, so they stay true as long as prompt and model do. */
interface Known {
  readonly of: string;
  score?: FoundOf<"score">;
  words?: FoundOf<"words">;
  answer?: FoundOf<"answer"> & { readonly most: number };
}

/**
 * What was found of the prompt that is asked last. A question about the same prompt asks the engine only for what is missing: after the other
 * side was changed, or where answers are wished for a prompt that has been scored.
 */
export class Questions {
  private readonly known: [Known, Known] = [{ of: "" }, { of: "" }];

  /**
   * Posts scores, since they come at once, then answers where they are wished for, and then what words do.
   *
   * @param post may be called after the question was aborted, with what was known before.
   * @param wordFailure words an error for a person.
   */
  async ask(
    { text, maxNewTokens }: Pick<Extract<PlaygroundFromPage, { type: "try" }>, "text" | "maxNewTokens">,
    subjects: Subjects,
    parts: {
      readonly call: Call;
      readonly post: (side: Side, found: Found) => void;
      readonly signal: AbortSignal;
      readonly wordFailure: (error: unknown) => string;
    },
  ): Promise<void> {
    const { call, post, signal, wordFailure } = parts;
    const prompt = text.trim();
    if (prompt === "") return;
    const failed = new Set<Side>();
    const onSides = async (work: (known: Known, side: Side, subject: PlaygroundSubject) => Promise<void>) => {
      for (const side of sides) {
        const subject = subjects[side];
        if (subject === null || failed.has(side) || signal.aborted) continue;
        try {
          await work(this.known[side], side, subject);
        } catch (error) {
          if (signal.aborted) return;
          failed.add(side);
          post(side, { type: "failed", reason: wordFailure(error) });
        }
      }
    };
    for (const side of sides) {
      // Words have their place in the text as it was typed.
      const of = JSON.stringify([text, subjects[side]]);
      if (this.known[side].of !== of) this.known[side] = { of };
      const { score, words, answer } = this.known[side];
      if (score) post(side, score);
      if (words) post(side, words);
      if (answer) post(side, { type: "answer", answer: answer.answer });
    }
    await onSides(async (known, side, subject) => {
      if (known.score) return;
      const { scores, openings } = await call(side, subject, "Scoring", { texts: [prompt], openings: true });
      if (signal.aborted) return;
      known.score = { type: "score", probability: scores[0] ?? null, openings };
      post(side, known.score);
    });
    if (maxNewTokens !== null) {
      await onSides(async (known, side, subject) => {
        if (known.answer && (known.answer.most === maxNewTokens || isWhole(known.answer, maxNewTokens)))
          return;
        const { answer } = await call(side, subject, "Writing", { texts: [prompt], maxNewTokens });
        if (signal.aborted || !answer) return;
        const { response, reasoning, ended } = answer;
        const told = { response, ended, ...(reasoning === undefined ? {} : { reasoning }) };
        known.answer = { type: "answer", answer: told, most: maxNewTokens };
        post(side, { type: "answer", answer: told });
      });
    }
    const words = wordsOf(text);
    if (words.length < 2) return;
    await onSides(async (known, side, subject) => {
      // A prompt that is too long mostly still is without one of its words.
      if (known.words || known.score?.probability === null) return;
      const texts = words.map((word) => without(text, word).trim());
      const { scores } = await call(side, subject, "Scoring without each word", { texts });
      if (signal.aborted) return;
      known.words = {
        type: "words",
        words: words.map((word, i) => ({ ...word, without: scores[i] ?? null })),
      };
      post(side, known.words);
    });
  }
}

/** Whether a longer limit would give the same answer. */
function isWhole({ answer, most }: NonNullable<Known["answer"]>, maxNewTokens: number): boolean {
  return answer.ended && most <= maxNewTokens;
}
