import { DiscernError } from "../../protocol/errors.ts";
import type { Example } from "../backend/backend.ts";
import { causalAttention, tokenCount } from "../backend/onnx/decoder/attention.ts";
import type { Decoder } from "../backend/onnx/decoder/decoder.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import {
  batches,
  bucket,
  indexVector,
  layoutKey,
  packRows,
  sharedPrefixLength,
} from "../backend/onnx/decoder/packing.ts";
import { input, type Tensor } from "../backend/onnx/graph/tensor.ts";
import { crossEntropy } from "../backend/onnx/loss/crossEntropy.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { refuseNaN } from "./finite.ts";

/** Lengths are rounded up to multiples of this, and batches of one bucket share a graph. */
const lengthStep = 16;
/** Pairs run together when a loss is only measured. */
const measuredBatch = 8;

/** Pairs that fit a limit, and what was done to those that do not. */
export interface FittedExamples {
  readonly examples: readonly Example[];
  /** How many answers were cut off; they have no end. */
  readonly cut: number;
  /** The pairs that were left out, as `file, line n`. */
  readonly leftOut: readonly string[];
}

/**
 * Encodes pairs and fits them into a limit of tokens. An answer that is too long is cut off, or left out with its prompt;
 * a prompt is never cut, for it would be another prompt.
 *
 * @throws DiscernError("dataset-empty") for a prompt without an answer, naming file and line.
 */
export async function encodeExamples(
  encoder: PromptEncoder,
  pairs: readonly { prompt: string; response?: string; source: string; line: number }[],
  { limit, tooLong }: { limit: number; tooLong: "cut" | "leave-out" },
): Promise<FittedExamples> {
  const answered = pairs.map(({ prompt, response, source, line }) => {
    if (!response?.trim()) {
      throw new DiscernError(
        "dataset-empty",
        `${source}, line ${line}: a prompt whose answer's loss is needed has no answer. Add one, or leave the prompt out.`,
      );
    }
    return { prompt, answer: response };
  });
  const examples: Example[] = [];
  const leftOut: string[] = [];
  let cut = 0;
  for (const [i, { ids, promptLength }] of (await encoder.pairs(answered)).entries()) {
    const { source, line } = pairs[i];
    if (ids.length <= limit) examples.push({ ids, promptLength });
    else if (tooLong === "leave-out" || promptLength >= limit) leftOut.push(`${source}, line ${line}`);
    else {
      cut++;
      examples.push({ ids: ids.slice(0, limit), promptLength });
    }
  }
  return { examples, cut, leftOut };
}

/** What the prompts of all examples begin with; a prefix holds no token that carries loss. */
export function promptPrefix(examples: readonly Example[]): readonly number[] {
  const prompts = examples.map(({ ids, promptLength }) => ids.slice(0, promptLength));
  return (prompts[0] ?? []).slice(0, sharedPrefixLength(prompts));
}

/** How many tokens of an example carry loss: its answer, or all but the first. */
export function labelCount({ ids, promptLength }: Example, maskPrompt: boolean): number {
  return ids.length - (maskPrompt ? promptLength : 1);
}

/**
 * The next-token loss of a batch of examples: Σ weight·(−log p) over its labelled tokens. The head runs on the rows
 * that predict them alone.
 */
export function answerLossPass(
  examples: readonly Example[],
  prefix: readonly number[],
  padId: number,
  { maskPrompt, weight }: { maskPrompt: boolean; weight: number },
): { key: string; tokens: number; feeds: Record<string, Value>; loss: (decoder: Decoder) => Tensor } {
  const packed = packRows(
    examples.map(({ ids }) => ids),
    prefix,
    padId,
    lengthStep,
  );
  const rows: number[] = [];
  const labels: number[] = [];
  for (const [b, { ids, promptLength }] of examples.entries()) {
    for (let t = maskPrompt ? promptLength : 1; t < ids.length; t++) {
      // The token before position t predicts it.
      rows.push(packed.place(b, t - 1 - prefix.length));
      labels.push(ids[t]);
    }
  }
  const count = bucket(rows.length, 8 * examples.length);
  const tokens = tokenCount(packed.layout);
  return {
    key: `answers ${layoutKey(packed.layout)} ${count}`,
    tokens,
    feeds: {
      ids: packed.ids,
      rows: indexVector(rows, count),
      labels: indexVector(labels, count),
      weights: Value.of(new Float32Array(count).fill(weight, 0, rows.length), [count]),
    },
    loss: (decoder) => {
      const a = decoder.architecture;
      const x = decoder.embed(input("ids", [tokens], "int32"));
      const attention = causalAttention(a, packed.layout);
      const hidden = decoder.finalNorm(
        decoder.blocks(x, 0, a.layers, attention, input("rows", [count], "int32")),
      );
      const weights = input("weights", [count]);
      return crossEntropy(hidden, decoder.head(), input("labels", [count], "int32"), weights);
    },
  };
}

/**
 * Mean next-token loss, in nats, over all answer tokens of the examples. Cost: one forward pass.
 *
 * @throws DiscernError("output-not-finite").
 */
export async function answerLoss(
  model: LiveModel,
  examples: readonly Example[],
  padId: number,
): Promise<number> {
  const prefix = promptPrefix(examples);
  const sorted = [...examples].sort((a, b) => a.ids.length - b.ids.length);
  const total = examples.reduce((sum, example) => sum + labelCount(example, true), 0);
  let loss = 0;
  for (const batch of batches(sorted, measuredBatch, ({ ids }) => ids.length)) {
    const pass = answerLossPass(batch, prefix, padId, { maskPrompt: true, weight: 1 / total });
    const program = await model.program(`measure ${pass.key}`, (decoder) => ({ loss: pass.loss(decoder) }));
    loss += (await model.run(program, pass.feeds)).loss.data[0];
  }
  refuseNaN([loss], "losses on general answers");
  return loss;
}
