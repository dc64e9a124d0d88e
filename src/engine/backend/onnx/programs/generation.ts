import { greatestOf } from "../../../../statistics/extremes.ts";
import type { Found, GenerateOptions, Generation, Tokens } from "../../backend.ts";
import { bucket, inBatches } from "../../batching.ts";
import { type ChooseToken, tokenChooser } from "../../chooseToken.ts";
import { refuseNaN } from "../../finite.ts";
import { biasName, causalAttention, masked, stepAttention, tokenCount } from "../decoder/attention.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import { KeyValueCache } from "./keyValueCache.ts";
import { lastLogits } from "./nextTokens.ts";
import { indexVector, layoutKey, packRows } from "./packing.ts";
import { InForce, type PromptTokens, tokensOfPrompts } from "./sites.ts";

/** Prompt lengths are rounded up to multiples of this, so that graphs are reused. */
const lengthStep = 8;
/** The same for the room in caches, which costs memory alone. */
const capacityStep = 32;

/**
 * Continues prompts, as `Backend.generate` describes it. Prompts of like length run together, what all begin with is run once a batch, and a batch
 * shrinks as its answers end.
 *
 * Cost of a step: reading the weights once, whatever the batch; 16 rows cost hardly more than one.
 */
export async function generate(
  model: LiveModel,
  prompts: readonly Tokens[],
  options: GenerateOptions,
): Promise<Found<Generation>> {
  const { maxNewTokens, batchSize = 16 } = options;
  const { contextLength } = model.architecture;
  const inForce = new InForce(model, prompts.length, options);
  const choose = tokenChooser(options.sampling, prompts.length);
  const found = await inBatches(
    prompts,
    { ...options, size: batchSize },
    async ({ indices, rows, prefix }, onDone) => {
      const growing = rows.map((prompt, b): Row => {
        const most = Math.min(maxNewTokens, contextLength - prompt.length);
        return { index: indices[b]!, prompt, ids: [], most, ended: false };
      });
      if (maxNewTokens > 0) await generateBatch(model, inForce, choose, growing, prefix, options, onDone);
      return growing.map(({ ids, ended }) => ({ ids, ended }));
    },
  );
  inForce.report();
  return found;
}

/** A prompt whose answer grows. */
interface Row {
  /** Which prompt of the call. */
  readonly index: number;
  readonly prompt: Tokens;
  readonly ids: number[];
  /** Tokens the answer may have. */
  readonly most: number;
  ended: boolean;
}

async function generateBatch(
  model: LiveModel,
  inForce: InForce,
  choose: ChooseToken,
  prompts: readonly Row[],
  prefix: Tokens,
  { maxNewTokens, eosIds, onToken }: GenerateOptions,
  onFinished: (rows: number) => void,
): Promise<void> {
  const longest = greatestOf(prompts.map(({ prompt }) => prompt.length));
  // The bucket that the prompts are padded to may be longer than they are.
  const capacity = bucket(longest + Math.max(lengthStep, maxNewTokens), capacityStep);
  const first = await prefill(model, inForce, prompts, prefix, capacity);
  const cache = new KeyValueCache(model.device, first);
  try {
    let rows = prompts;
    let { logits } = first;
    for (let left = rows.length; ; ) {
      refuseNaN(logits.data, "next-token logits");
      const width = logits.shape[1]!;
      const open: number[] = [];
      for (const [i, row] of rows.entries()) {
        if (row.ended || row.ids.length === row.most) continue;
        const token = choose(logits.data.subarray(i * width, (i + 1) * width), row.index, row.ids.length);
        if (eosIds.includes(token)) row.ended = true;
        else {
          row.ids.push(token);
          onToken?.(row.index, row.ids);
        }
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
      logits = await step(model, inForce, rows, cache);
    }
  } finally {
    cache.dispose();
  }
}

/** Runs the prompts through the model, what they share once: logits (B, V) of each one's last token, and caches. */
async function prefill(
  model: LiveModel,
  inForce: InForce,
  rows: readonly Row[],
  prefix: Tokens,
  capacity: number,
): Promise<Record<string, Value>> {
  const batch = batchOf(rows.length);
  const prompts = Array.from({ length: batch }, (_, i) => (rows[i] ?? rows[0]).prompt);
  const packed = packRows(prompts, prefix, lengthStep);
  const { layout, ids, place } = packed;
  const last = prompts.map((prompt, row) => place(row, prompt.length - 1 - prefix.length));
  const graph = {
    key: `prefill ${layoutKey(layout)} in ${capacity}`,
    build: (decoder: Decoder) => {
      const attention = causalAttention(model.architecture, layout);
      const logits = lastLogits(decoder, tokenCount(layout), attention, input("rows", [batch], "int32"));
      const cached = (x: Tensor) => ops.pad(x, 2, 0, capacity - x.shape[2]);
      const present = [...attention.seen].flatMap(([layer, { key, value }]) => [
        [`present.${layer}.key`, cached(key)],
        [`present.${layer}.value`, cached(value)],
      ]);
      return { outputs: { logits, ...Object.fromEntries(present) } };
    },
    resident: isCache,
  };
  const own = tokensOfPrompts(
    packed,
    rows.map(({ index }) => index),
    rows.map(({ prompt }) => prompt),
  );
  return inForce.run(graph, { ids, rows: indexVector(last) }, tokenCount(layout), own);
}

/** Runs the newest token of each row, and adds it to the caches; → logits (B, V). */
async function step(
  model: LiveModel,
  inForce: InForce,
  rows: readonly Row[],
  cache: KeyValueCache,
): Promise<Value> {
  const { architecture, device } = model;
  const { batch, capacity } = cache;
  const graph = {
    key: `generate ${batch} in ${capacity}`,
    build: (decoder: Decoder) => {
      const attention = stepAttention(architecture, batch, capacity);
      const logits = lastLogits(decoder, batch, attention);
      return { outputs: { logits, ...(device.resident ? attention.present : attention.added) } };
    },
    resident: isCache,
    continues: true,
  };
  const last = rows.map(({ ids }) => ids.at(-1) as number);
  const places = Array.from({ length: batch }, (_, i) =>
    i < rows.length ? rows[i].prompt.length + rows[i].ids.length - 1 : 0,
  );
  const feeds = {
    ...cache.feeds,
    ...sight(architecture.attention.windows, places, capacity),
    ids: indexVector(last, batch),
    positions: Value.of(BigInt64Array.from(places, BigInt), [batch, 1]),
  };
  const growing = () =>
    rows.flatMap(({ index, prompt, ids, ended, most }, place): PromptTokens[] => {
      if (ended || ids.length === most) return [];
      return [{ prompt: index, promptLength: prompt.length, tokens: [{ place, position: places[place]! }] }];
    });
  const { logits, ...tokens } = await inForce.run(graph, feeds, batch, growing);
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

const isCache = (name: string) => name.startsWith("present.");

/** The extent of a batch that holds n rows: a power of two, so that few graphs serve all. */
function batchOf(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
