import { DiscernError } from "../../protocol/errors.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import {
  type Attention,
  biasName,
  causalAttention,
  masked,
  stepAttention,
  tokenCount,
} from "../backend/onnx/decoder/attention.ts";
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
import { ops } from "../backend/onnx/graph/ops.ts";
import { input, type Tensor } from "../backend/onnx/graph/tensor.ts";
import { KeyValueCache } from "../backend/onnx/programs/keyValueCache.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import { refuseNaN } from "./finite.ts";
import { type Kept, knownBatch } from "./kept.ts";

/** What a model answered to one prompt. */
export interface Generation {
  /** The answer's tokens, without the one that ended it. */
  readonly ids: number[];
  /** Whether it ended by itself; otherwise it was cut off at `maxNewTokens`, or where the model's context ends. */
  readonly ended: boolean;
}

export interface GenerateOptions {
  readonly maxNewTokens: number;
  /** Prompts generated together. */
  readonly batchSize?: number;
  /** Tokens that end an answer. */
  readonly eosIds: readonly number[];
  /** Called with the number of finished answers. */
  onProgress?(done: number, total: number): void;
  /** Answers that are known from an earlier time and those that are found now; a batch that is known whole is not run. */
  readonly kept?: Kept<Generation>;
}

/** Prompt lengths are rounded up to multiples of this, so that graphs are reused. */
const lengthStep = 8;
/** The same for the room in caches, which costs memory alone. */
const capacityStep = 32;

/**
 * Continues prompts greedily: the most probable token at every step, the first of equals. Prompts of like length run
 * together, what all begin with is run once a batch, and a batch shrinks as its answers end.
 *
 * Cost of a step: reading the weights once, whatever the batch; 16 rows cost hardly more than one.
 *
 * @param prompts tokens (at least one each) up to where the answers begin.
 * @returns the answers in the order of the prompts.
 * @throws DiscernError("prompt-too-long") when a prompt alone fills the model's context; ("output-not-finite").
 */
export async function generate(
  model: LiveModel,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions,
): Promise<Generation[]> {
  const { maxNewTokens, batchSize = 16, onProgress } = options;
  const { contextLength } = model.architecture;
  checkLengths(prompts, contextLength);
  const rows = prompts.map((prompt, index): Row => {
    const most = Math.min(maxNewTokens, contextLength - prompt.length);
    return { prompt, index, ids: [], most, ended: false };
  });
  const prefix = (prompts[0] ?? []).slice(0, sharedPrefixLength(prompts));
  const order = [...rows].sort((a, b) => a.prompt.length - b.prompt.length);
  let done = 0;
  const finished = (count: number) => {
    done += count;
    onProgress?.(done, prompts.length);
  };
  for (const batch of maxNewTokens > 0 ? batches(order, batchSize, ({ prompt }) => prompt.length) : []) {
    const indices = batch.map(({ index }) => index);
    const before = knownBatch(indices, options.kept);
    if (before !== null) {
      for (const [i, { ids, ended }] of before.entries()) {
        for (const id of ids) batch[i].ids.push(id);
        batch[i].ended = ended;
      }
      finished(batch.length);
      continue;
    }
    await generateBatch(model, batch, prefix, options, finished);
    await options.kept?.keep(batch.map(({ index, ids, ended }) => [index, { ids, ended }]));
  }
  return rows.map(({ ids, ended }) => ({ ids, ended }));
}

/** A prompt whose answer grows. */
interface Row {
  readonly prompt: readonly number[];
  readonly index: number;
  readonly ids: number[];
  /** Tokens the answer may have. */
  readonly most: number;
  ended: boolean;
}

async function generateBatch(
  model: LiveModel,
  prompts: readonly Row[],
  prefix: readonly number[],
  { maxNewTokens, eosIds }: GenerateOptions,
  onFinished: (rows: number) => void,
): Promise<void> {
  const longest = greatestOf(prompts.map(({ prompt }) => prompt.length));
  // The bucket that the prompts are padded to may be longer than they are.
  const capacity = bucket(longest + Math.max(lengthStep, maxNewTokens), capacityStep);
  const first = await prefill(model, prompts, prefix, capacity);
  const cache = new KeyValueCache(model.device, first);
  try {
    let rows = prompts;
    let { logits } = first;
    for (let left = rows.length; ; ) {
      const tokens = mostProbable(logits);
      const open: number[] = [];
      for (const [i, row] of rows.entries()) {
        if (row.ended || row.ids.length === row.most) continue;
        if (eosIds.includes(tokens[i])) row.ended = true;
        else row.ids.push(tokens[i]);
        if (!row.ended && row.ids.length < row.most) open.push(i);
      }
      if (open.length < left) onFinished(left - open.length);
      left = open.length;
      if (left === 0) return;
      // One long answer does not keep the whole batch at work.
      if (batchOf(left) < cache.batch) {
        await cache.keep(open, batchOf(left));
        rows = open.map((i) => rows[i]);
      }
      logits = await step(model, rows, cache);
    }
  } finally {
    cache.dispose();
  }
}

/** Runs the prompts through the model, what they share once: logits (B, V) of each one's last token, and caches. */
async function prefill(
  model: LiveModel,
  rows: readonly Row[],
  prefix: readonly number[],
  capacity: number,
): Promise<Record<string, Value>> {
  const batch = batchOf(rows.length);
  const prompts = Array.from({ length: batch }, (_, i) => (rows[i] ?? rows[0]).prompt);
  const { layout, ids, place } = packRows(prompts, prefix, 0, lengthStep);
  const last = prompts.map((prompt, row) => place(row, prompt.length - 1 - prefix.length));
  const program = await model.program(
    `prefill ${layoutKey(layout)} in ${capacity}`,
    (decoder) => {
      const attention = causalAttention(model.architecture, layout);
      const logits = lastLogits(decoder, tokenCount(layout), attention, input("rows", [batch], "int32"));
      const cached = (x: Tensor) => ops.pad(x, 2, 0, capacity - x.shape[2]);
      const present = [...attention.seen].flatMap(([layer, { key, value }]) => [
        [`present.${layer}.key`, cached(key)],
        [`present.${layer}.value`, cached(value)],
      ]);
      return { logits, ...Object.fromEntries(present) };
    },
    { resident: isCache },
  );
  return model.run(program, { ids, rows: indexVector(last) });
}

/** Runs the newest token of each row, and adds it to the caches; → logits (B, V). */
async function step(model: LiveModel, rows: readonly Row[], cache: KeyValueCache): Promise<Value> {
  const { architecture, device } = model;
  const { batch, capacity } = cache;
  const program = await model.program(
    `generate ${batch} in ${capacity}`,
    (decoder) => {
      const attention = stepAttention(architecture, batch, capacity);
      const logits = lastLogits(decoder, batch, attention);
      return { logits, ...(device.resident ? attention.present : attention.added) };
    },
    { resident: isCache },
  );
  const last = rows.map(({ ids }) => ids.at(-1) as number);
  const places = Array.from({ length: batch }, (_, i) =>
    i < rows.length ? rows[i].prompt.length + rows[i].ids.length - 1 : 0,
  );
  const { logits, ...tokens } = await model.run(program, {
    ...cache.feeds,
    ...sight(architecture.attention.windows, places, capacity),
    ids: indexVector(last, batch),
    positions: Value.of(BigInt64Array.from(places, BigInt), [batch, 1]),
  });
  cache.add(tokens, places);
  return logits;
}

/** What the tokens at these places see of their caches, for each kind of layer, and where they stand themselves. */
function sight(
  windows: readonly (number | null)[],
  places: readonly number[],
  capacity: number,
): Record<string, Value> {
  const width = capacity + 1;
  const feeds: Record<string, Value> = {};
  for (const window of new Set(windows)) {
    const bias = new Float32Array(places.length * width).fill(masked);
    for (const [row, place] of places.entries()) {
      const first = window === null ? 0 : Math.max(0, place - window + 1);
      bias.fill(0, row * width + first, row * width + place);
      bias[row * width + capacity] = 0;
    }
    feeds[biasName(window)] = Value.of(bias, [places.length, 1, 1, width]);
  }
  const here = new Uint8Array(places.length * capacity);
  for (const [row, place] of places.entries()) here[row * capacity + place] = 1;
  return { ...feeds, here: Value.of(here, [places.length, 1, capacity, 1]) };
}

/** Logits of the chosen tokens out of the N of a graph, of all where none are chosen. */
function lastLogits(decoder: Decoder, tokens: number, attention: Attention, rows?: Tensor): Tensor {
  const embedded = decoder.embed(input("ids", [tokens], "int32"));
  const hidden = decoder.blocks(embedded, 0, decoder.architecture.layers, attention, rows);
  return decoder.head().logits(decoder.finalNorm(hidden));
}

const isCache = (name: string) => name.startsWith("present.");

/** The extent of a batch that holds n rows: a power of two, so that few graphs serve all. */
function batchOf(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}

/** The token with the highest logit in each row of (B, V); the first of equals. */
function mostProbable({ data, shape: [rows, width] }: Value): number[] {
  refuseNaN(data, "next-token logits");
  return Array.from({ length: rows }, (_, row) => {
    const logits = data.subarray(row * width, (row + 1) * width);
    let best = 0;
    for (let i = 1; i < width; i++) if (logits[i] > logits[best]) best = i;
    return best;
  });
}

function checkLengths(prompts: readonly (readonly number[])[], limit: number): void {
  const longest = prompts.findIndex(({ length }) => length >= limit);
  if (longest < 0) return;
  throw new DiscernError(
    "prompt-too-long",
    `Prompt ${longest + 1} has ${prompts[longest].length} tokens, and the model's context holds ${limit}, so there is no ` +
      "room for an answer. Shorten or exclude it.",
  );
}
