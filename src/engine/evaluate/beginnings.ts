import type { Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { plainOpening, spellings } from "../probe/tokenTrie.ts";

/** Answers of one model, and how its texts become tokens. */
export interface AnswersOf {
  readonly encoder: PromptEncoder;
  /** Each answer's tokens, and the prompt that it is to. */
  readonly answers: readonly { readonly prompt: string; readonly ids: Tokens }[];
}

/**
 * The texts that answers begin with, from one token to `depth` tokens, as openings would be written: the search for openings goes over
 * tokens, where a model chooses, and its results are texts. Texts serve every tokenizer and template, are read by people, and stand for
 * all of their spellings (apostrophes, a leading space), as the list of a recipe does. An answer counts under a text only where the
 * scorer would count it: its first tokens are those that a spelling of the text has where an answer begins. So other ways to cut the
 * same words, special tokens and halves of characters are no beginnings, and the words of a SentencePiece tokenizer, which puts a space
 * before them, are the same as any other's.
 *
 * @param support prompts whose answers must begin with a text; rarer ones are no candidates.
 * @returns for each model and answer its beginnings, each longer than the one before.
 */
export async function beginningsOf(
  models: readonly AnswersOf[],
  { depth, support }: { readonly depth: number; readonly support: number },
): Promise<string[][][]> {
  const texts: string[][][] = [];
  const prompts = new Map<string, Set<string>>();
  for (const { encoder, answers } of models) {
    const found = await decoded(encoder, answers, depth);
    for (const [i, each] of found.entries()) {
      for (const text of each) prompts.set(text, (prompts.get(text) ?? new Set()).add(answers[i]!.prompt));
    }
    texts.push(found);
  }
  const isCandidate = (text: string) => text !== "" && prompts.get(text)!.size >= support;
  const all: string[][][] = [];
  for (const [m, { encoder, answers }] of models.entries()) {
    const own = [...new Set(texts[m]!.flat())].filter(isCandidate);
    const spelled = new Map<string, Set<string>>();
    for (const text of own) {
      const sequences = await encoder.openings(spellings(text));
      spelled.set(text, new Set(sequences.map((ids) => ids.join(" "))));
    }
    all.push(
      answers.map(({ ids }, i) =>
        texts[m]![i]!.filter((text, k) => spelled.get(text)?.has(ids.slice(0, k + 1).join(" ")) ?? false),
      ),
    );
  }
  return all;
}

/** The text of each answer's first token, first two tokens, …; of tokens that end within a character "", which is no text. */
async function decoded(
  { tokenizer }: PromptEncoder,
  answers: AnswersOf["answers"],
  depth: number,
): Promise<string[][]> {
  const known = new Map<string, string>();
  const textOf = async (ids: Tokens): Promise<string> => {
    const key = ids.join(" ");
    const before = known.get(key);
    if (before !== undefined) return before;
    const text = await tokenizer.decode(ids);
    const plain = text.includes("\ufffd") ? "" : plainOpening(text);
    known.set(key, plain);
    return plain;
  };
  const found: string[][] = [];
  for (const { ids } of answers) {
    const texts: string[] = [];
    for (let k = 1; k <= Math.min(depth, ids.length); k++) texts.push(await textOf(ids.slice(0, k)));
    found.push(texts);
  }
  return found;
}
