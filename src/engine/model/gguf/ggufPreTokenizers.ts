/** How text is cut before byte-level BPE, for one value of `tokenizer.ggml.pre`. */
export interface PreTokenizerRule {
  /** Steps before ByteLevel, as in `tokenizer.json`. */
  readonly splits: readonly object[];
  /** Whether ByteLevel cuts by GPT-2's own expression. */
  readonly gpt2Regex: boolean;
  /** Whether a word that is a token is taken whole, without looking at merges. */
  readonly ignoreMerges: boolean;
  /** Whether text is brought to Unicode's composed form (NFC) first. */
  readonly composed: boolean;
  /** Whether BOS is added where the file does not say. */
  readonly addsBos: boolean;
}

const split = (regex: string) => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior: "Isolated",
  invert: false,
});

/** The cut of cl100k and its kin, with digits in groups of up to `digits`. */
const cl100k = (digits: string) =>
  split(
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" +
      `\\p{N}${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  );

const gpt2: PreTokenizerRule = {
  splits: [],
  gpt2Regex: true,
  ignoreMerges: false,
  composed: false,
  addsBos: false,
};
const digitByDigit: PreTokenizerRule = { ...gpt2, splits: [{ type: "Digits", individual_digits: true }] };
const dbrx: PreTokenizerRule = { ...gpt2, splits: [cl100k("{1,3}")], gpt2Regex: false };
const llama3: PreTokenizerRule = { ...dbrx, ignoreMerges: true, addsBos: true };
const qwen2: PreTokenizerRule = { ...gpt2, splits: [cl100k("")], gpt2Regex: false, composed: true };
/** llama.cpp's fallback for files that name no pre-tokenizer. */
const fallback: PreTokenizerRule = {
  ...gpt2,
  splits: [
    split("[\\p{P}\\$\\+<=>\\^~\\|]+"),
    split("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"),
    split("\\p{N}+"),
    split("[0-9][0-9][0-9]"),
  ],
  gpt2Regex: false,
};

/** By the names llama.cpp gives them (llama-vocab.cpp). */
export const preTokenizers: ReadonlyMap<string, PreTokenizerRule> = new Map([
  ["smollm", digitByDigit],
  ["starcoder", digitByDigit],
  ["refact", digitByDigit],
  ["codeshell", digitByDigit],
  ["gpt-2", gpt2],
  ["olmo", gpt2],
  ["phi-2", gpt2],
  ["dbrx", dbrx],
  ["smaug-bpe", dbrx],
  ["llama-bpe", llama3],
  ["llama3", llama3],
  ["llama-v3", llama3],
  ["qwen2", qwen2],
  ["deepseek-r1-qwen", qwen2],
  ["default", fallback],
]);
