import { greatestOf } from "../../../../../statistics/extremes.ts";
import type { Architecture } from "../../../../model/architecture.ts";
import { bucket } from "../../../batching.ts";
import type { GradientText } from "../../../gradientTexts.ts";
import type { Layout } from "../../decoder/attention.ts";
import { Value } from "../../runtime/value.ts";
import { packRows } from "../packing.ts";
import { sight } from "../score.ts";

/** Tokens of the backward pass that run together, padding included: activations of a block are there for all of them. */
const tokensAtOnce = 2048;
/** Lengths are rounded up to few of them, so that graphs are reused; padding costs as much as tokens do. */
const lengthStep = (length: number) => (length <= 64 ? 4 : 16);

/** Texts that run together: B of T tokens, with k scalars each. Rows of the backward pass stand text by text, scalar by scalar. */
export interface GradientBatch {
  readonly texts: readonly GradientText[];
  /** k. */
  readonly times: number;
  /** M: places that are read, of each text; texts with fewer repeat their first. */
  readonly places: number;
  readonly layout: Layout;
  readonly feeds: Record<string, Value>;
}

/** Cuts texts into batches of like kind, number of scalars and length. */
export function gradientBatches(
  { attention: { windows } }: Architecture,
  texts: readonly GradientText[],
): GradientBatch[] {
  const kinds = Map.groupBy(texts, ({ normalised, scalars }) => `${normalised} ${scalars.length}`);
  return [...kinds.values()].flatMap((own) =>
    cut([...own].sort((a, b) => a.tokens.length - b.tokens.length)).map((group) => {
      const prompts = group.map(({ tokens }) => tokens);
      const longest = prompts.at(-1)!.length;
      const packed = packRows(prompts, [], lengthStep(longest));
      const places = greatestOf(group.map((text) => text.places.length));
      return {
        texts: group,
        times: group[0]!.scalars.length,
        places: places === 1 ? 1 : bucket(places, 8),
        layout: packed.layout,
        feeds: {
          ids: packed.ids,
          ...sight(
            windows,
            packed,
            group.map((text) => text.own),
            group.map((text) => text.trie),
          ),
        },
      };
    }),
  );
}

/** @param texts from the shortest to the longest. */
function cut(texts: readonly GradientText[]): GradientText[][] {
  const groups: GradientText[][] = [];
  const padded = ({ tokens }: GradientText) => bucket(tokens.length, lengthStep(tokens.length));
  for (const text of texts) {
    const last = groups.at(-1);
    const rows = (last?.length ?? 0) + 1;
    const fits = last && rows * text.scalars.length * padded(text) <= tokensAtOnce;
    if (fits && padded(last[0]!) === padded(text)) last.push(text);
    else groups.push([text]);
  }
  return groups;
}

/** The layout of the backward pass: each row as often as it has scalars. */
export const repeatedLayout = ({ layout, times }: GradientBatch): Layout => ({
  ...layout,
  batch: layout.batch * times,
});

/** Rows (B·M, C) of the places that are read, out of all (B·T, C). */
export function placesOf(
  { texts, places, layout: { length } }: GradientBatch,
  states: Float32Array,
): Float32Array {
  const width = states.length / (texts.length * length);
  const read = new Float32Array(texts.length * places * width);
  for (const [b, text] of texts.entries()) {
    for (let m = 0; m < places; m++) {
      const from = (b * length + (text.places[m] ?? text.places[0]!)) * width;
      read.set(states.subarray(from, from + width), (b * places + m) * width);
    }
  }
  return read;
}

/** Cotangents (B·k·T, C) of all tokens, out of those of the places that are read, (B·k·M, C). */
export function fromPlaces(
  { texts, times, places, layout: { length } }: GradientBatch,
  read: Float32Array,
): Float32Array {
  const width = read.length / (texts.length * times * places);
  const all = new Float32Array(texts.length * times * length * width);
  for (const [b, text] of texts.entries()) {
    for (let s = 0; s < times; s++) {
      const row = b * times + s;
      for (const [m, place] of text.places.entries()) {
        const from = (row * places + m) * width;
        const to = (row * length + place) * width;
        for (let c = 0; c < width; c++) all[to + c]! += read[from + c]!;
      }
    }
  }
  return all;
}

/** A float32 value over an array. */
export const floats = (data: Float32Array, ...shape: number[]): Value => Value.of(data, shape);
