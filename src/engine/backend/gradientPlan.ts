/** What gradient products cost, before anything is computed; the onnx backend cuts its work by the same numbers. */
import { greatestOf } from "../../statistics/extremes.ts";
import type { BackendShape, GradientRow, ParameterScope } from "./backend.ts";
import { areMultiplied, type GradientText, gradientTexts } from "./gradientTexts.ts";

/** Memory for activations and gradients of one layer, for the texts of one tile or of two. */
const tileBytes = 1 << 30;
const float = 4;

/** What must be run and held. */
export interface GradientCost {
  /** Texts run forward, and scalars taken back; each text as often as it is run. */
  readonly forwardPasses: number;
  readonly backwardPasses: number;
  /** Tokens of both, padding left out. */
  readonly forwardTokens: number;
  readonly backwardTokens: number;
  /** Floating-point operations of the products, all of them as ghost products. */
  readonly productFlops: number;
  /** Held beside the model at the same time, products included. */
  readonly bytes: number;
  /** Products of tiles: pairs of groups of texts whose layers are held together. */
  readonly tilePairs: number;
}

/** The layers of a scope: the blocks it has parameters in, and the lowest place that gradients are taken back to. */
export function layersOf({ layers }: Pick<BackendShape, "layers">, scope: ParameterScope) {
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const named = [...new Set(scope.layers ?? all)].sort((a, b) => a - b);
  const inBlocks =
    scope.of === "adapter" ||
    scope.parts.some((part) => part === "linears" || part === "biases" || part === "norms");
  const modules = scope.of === "adapter" && scope.adapter ? [...scope.adapter.modules.keys()] : null;
  const isAdapted = (layer: number) =>
    modules?.some((module) => module.startsWith(`model.layers.${layer}.`)) ?? true;
  const blocks = inBlocks ? named.filter(isAdapted) : [];
  const toEmbedding = scope.of === "weights" && scope.parts.includes("embedding");
  // A block's own linears need its cotangent, and nothing below it does.
  const lowest = toEmbedding ? 0 : (blocks[0] ?? layers);
  return { blocks, lowest };
}

/** Bytes of a text while a layer of it is at work: states of the forward pass, cotangents, and the layer itself. */
export function bytesOfText(
  { layers, hiddenSize, linears }: BackendShape,
  { tokens, scalars }: GradientText,
  lowest: number,
): number {
  const inside = linears.reduce((sum, { inFeatures }) => sum + inFeatures, 0);
  const outside = linears.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
  const states = (layers + 1 - lowest) * hiddenSize + inside;
  const perScalar = 2 * hiddenSize + outside;
  return float * tokens.length * (states + scalars.length * perScalar);
}

/** Groups of texts whose layers are held together; two of them fit at a time. */
export function tilesOf<T>(items: readonly T[], bytesOf: (item: T) => number, room = tileBytes): T[][] {
  const total = items.reduce((sum, item) => sum + bytesOf(item), 0);
  // All at once where it fits, otherwise halves of the room.
  const limit = total <= room ? room : room / 2;
  const tiles: T[][] = [];
  let held = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const bytes = bytesOf(item);
    if (held + bytes > limit) {
      tiles.push([]);
      held = 0;
    }
    tiles.at(-1)!.push(item);
    held += bytes;
  }
  return tiles;
}

/** The pairs of tiles with products that are wanted. A pair of two also multiplies each within itself, the first time it is met. */
export function tilePairs<T>(
  tiles: readonly (readonly T[])[],
  areWanted: (a: T, b: T) => boolean,
): { a: number; b: number; within: number[] }[] {
  const wanted = (a: number, b: number) => tiles[a]!.some((x) => tiles[b]!.some((y) => areWanted(x, y)));
  const indices = tiles.map((_, i) => i);
  const met = new Set<number>();
  const meets = (tile: number) => {
    const first = !met.has(tile) && wanted(tile, tile);
    met.add(tile);
    return first ? [tile] : [];
  };
  const pairs = indices.flatMap((a) =>
    indices.slice(a + 1).flatMap((b) => (wanted(a, b) ? [{ a, b, within: [...meets(a), ...meets(b)] }] : [])),
  );
  return [...pairs, ...indices.flatMap((a) => meets(a).map(() => ({ a, b: a, within: [a] })))];
}

/** What `Backend.gradientProducts` costs for these rows on the onnx backend. */
export function gradientCost(
  shape: BackendShape,
  left: readonly GradientRow[],
  right: readonly GradientRow[] | null,
  scope: ParameterScope,
): GradientCost {
  const texts = gradientTexts(left, right);
  const { lowest, blocks } = layersOf(shape, scope);
  const bytesOf = (text: GradientText) => bytesOfText(shape, text, lowest);
  const tiles = tilesOf(texts, bytesOf);
  const pairs = tilePairs(tiles, areMultiplied);
  const runs = pairs.flatMap(({ a, b }) => [...new Set([a, b])].flatMap((tile) => tiles[tile]!));
  const sum = (of: (text: GradientText) => number, over = runs) =>
    over.reduce((total, text) => total + of(text), 0);
  const held = pairs.map(({ a, b }) =>
    sum(
      bytesOf,
      [...new Set([a, b])].flatMap((tile) => tiles[tile]!),
    ),
  );
  const sums = blocks.length + shape.linears.length + 6;
  return {
    forwardPasses: runs.length,
    backwardPasses: sum(({ scalars }) => scalars.length),
    forwardTokens: sum(({ tokens }) => tokens.length),
    backwardTokens: sum(({ tokens, scalars }) => tokens.length * scalars.length),
    productFlops: blocks.length * ghostFlops(shape, texts),
    bytes: greatestOf([0, ...held]) + 8 * sums * left.length * (right ?? left).length,
    tilePairs: pairs.length,
  };
}

/** Ghost products of one block for all pairs of texts that are multiplied. */
function ghostFlops({ linears }: BackendShape, texts: readonly GradientText[]): number {
  const inside = linears.reduce((sum, { inFeatures }) => sum + inFeatures, 0);
  const outside = linears.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
  const sides = (text: GradientText) => {
    const [left, right] = [text.left, text.right].map((side) => side.some(({ length }) => length > 0));
    return { left, right, both: left && right };
  };
  const sums = { tokens: 0, scalarTokens: 0, scalars: 0 };
  const of = (takes: (text: GradientText) => boolean) =>
    texts.filter(takes).reduce(
      (sum, { tokens, scalars }) => ({
        tokens: sum.tokens + tokens.length,
        scalarTokens: sum.scalarTokens + tokens.length * scalars.length,
        scalars: sum.scalars + scalars.length,
      }),
      sums,
    );
  const product = (a: typeof sums, b: typeof sums) =>
    2 *
    (a.tokens * b.tokens * inside +
      a.tokens * b.scalarTokens * outside +
      a.scalarTokens * b.scalars * outside);
  const all = product(
    of((text) => sides(text).left),
    of((text) => sides(text).right),
  );
  // Pairs of texts that stand on both sides are multiplied once.
  const both = of((text) => sides(text).both);
  return all - product(both, both) / 2;
}
