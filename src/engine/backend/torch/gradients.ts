/**
 * Inner products of gradients by the worker (`worker/gradients.py`). Rows of one text run as one text with several scalars; tiles of rows
 * are as large as one block of all their texts fits in memory; a request is one batch of texts, or one block of a tile.
 */
import * as z from "zod";
import type { Parameter } from "../../model/weights.ts";
import type {
  GradientProductOptions,
  GradientProducts,
  GradientRow,
  ParameterScope,
  Scalar,
  Tokens,
} from "../backend.ts";
import { checkGradientRows, checkGradientScope } from "../checkGradients.ts";
import { GradientSums } from "../gradientSums.ts";
import { packed, type TorchModel } from "./torchModel.ts";
import { factorsOf } from "./trainer.ts";
import type { Tensors } from "./wire.ts";

/** Bytes of one block of a tile's texts: activations, and gradients for each scalar. A GPU waits for the host where tiles are small. */
const tileBytes = ({ device }: TorchModel): number => (device === "cpu" ? 2 ** 30 : 2 ** 33);
/** Tokens of a batch, padding included; gradients of all its scalars are there at once. */
const batchTokens = 1024;

const nothing = z.object({});

/** A text with its scalars. */
interface Text {
  readonly ids: Tokens;
  readonly promptLength: number;
  readonly scalars: readonly Scalar[];
  /** Indices of the rows that these are. */
  readonly rows: readonly number[];
}

/** Inner products of gradients, as `Backend.gradientProducts` describes them. */
export async function gradientProducts(
  model: TorchModel,
  left: readonly GradientRow[],
  right: readonly GradientRow[] | null,
  { scope, sums = "layers-and-parts", onProgress }: GradientProductOptions,
): Promise<GradientProducts> {
  checkGradientRows(model.shape, [...left, ...(right ?? [])]);
  checkGradientScope(model.shape, scope);
  const found = new GradientSums(left.length, (right ?? left).length, sums);
  const most = tileBytes(model);
  const whole = [textsOf(left), ...(right ? [textsOf(right)] : [])];
  const bytes = (texts: readonly Text[]) =>
    texts.reduce((sum, text) => sum + textBytes(model, scope, text), 0);
  const cut = (texts: readonly Text[]) =>
    whole.reduce((sum, side) => sum + bytes(side), 0) <= most
      ? [texts]
      : inTiles(texts, most / 2, (text) => textBytes(model, scope, text));
  const lefts = cut(whole[0]!);
  const rights = right ? cut(whole[1]!) : lefts;
  const pairs = lefts.flatMap((own, i) =>
    rights.flatMap((other, j) =>
      right === null && j < i ? [] : [{ own, other, same: right === null && i === j }],
    ),
  );
  for (const [done, { own, other, same }] of pairs.entries()) {
    const tile = new Tile(model, scope, own, same ? null : other);
    await tile.run(
      (part, products) => found.add(part, products, tile.rows, right === null && !same),
      (share) => onProgress?.((done + share) / pairs.length),
    );
  }
  return found.products();
}

/** One tile of the products. */
class Tile {
  readonly rows: { readonly left: readonly number[]; readonly right: readonly number[] };
  private readonly model: TorchModel;
  private readonly scope: ParameterScope;
  private readonly left: readonly (readonly Text[])[];
  /** null for the left side's own products. */
  private readonly right: readonly (readonly Text[])[] | null;

  constructor(
    model: TorchModel,
    scope: ParameterScope,
    left: readonly Text[],
    right: readonly Text[] | null,
  ) {
    this.model = model;
    this.scope = scope;
    this.left = inBatches(left);
    this.right = right && inBatches(right);
    const rowsOf = (batches: readonly (readonly Text[])[]) => batches.flat().flatMap(({ rows }) => rows);
    this.rows = { left: rowsOf(this.left), right: rowsOf(this.right ?? this.left) };
  }

  /** @param add is given the products (rows of left, rows of right) of each part. */
  async run(
    add: (of: { layer: number | "outside"; part: string }, products: Float32Array) => void,
    onProgress: (share: number) => void,
  ): Promise<void> {
    const { layers } = this.model.shape;
    const counted = new Set(this.scope.layers ?? Array.from({ length: layers }, (_, layer) => layer));
    const { parts = [] } = this.scope.of === "weights" ? this.scope : {};
    const inBlocks =
      this.scope.of === "adapter" ||
      parts.some((part) => part === "linears" || part === "biases" || part === "norms");
    const lowest = parts.includes("embedding") ? -1 : inBlocks ? Math.min(...counted) : layers;
    const requests = [
      ...this.left.map((texts) => () => this.send(texts, this.right ? "left" : "both")),
      ...(this.right ?? []).map((texts) => () => this.send(texts, "right")),
      async () => this.take(await this.model.tensors("gradients.outside", {}), "outside", add),
      ...Array.from({ length: layers - lowest }, (_, i) => layers - 1 - i).map((layer) => async () => {
        const counts = layer < 0 || (inBlocks && counted.has(layer));
        const found = await this.model.tensors("gradients.layer", { layer, counts });
        this.take(found, layer < 0 ? "outside" : layer, add);
      }),
    ];
    try {
      await this.begin();
      for (const [done, request] of requests.entries()) {
        await request();
        onProgress((done + 1) / requests.length);
      }
    } finally {
      await this.model.forget("gradients.end");
    }
  }

  private async begin(): Promise<void> {
    const { scope } = this;
    if (scope.of === "weights") {
      await this.model.ask("gradients.begin", { scope: { of: scope.of, parts: scope.parts } }, nothing);
      return;
    }
    const modules = scope.adapter?.modules;
    const scales = modules
      ? Object.fromEntries([...modules].map(([module, { scale }]) => [module, scale]))
      : null;
    const factors = modules ? factorsOf(modules) : undefined;
    await this.model.ask("gradients.begin", { scope: { of: scope.of, scales } }, nothing, factors);
  }

  private async send(texts: readonly Text[], side: "left" | "right" | "both"): Promise<void> {
    const weights = new Map<string, Parameter>();
    const rows = texts.map(({ ids, scalars }) => {
      const [first] = scalars;
      return first?.type === "edges" ? [...ids, ...first.trie.nodes.map(({ token }) => token)] : ids;
    });
    const request = packed({ rows, prefix: [] }, (b) => {
      const { ids, promptLength, scalars } = texts[b]!;
      for (const [s, scalar] of scalars.entries()) {
        if (scalar.type === "answer-loss") continue;
        const data = scalar.weights;
        weights.set(`weights.${b}.${s}`, { shape: [data.length], data });
      }
      const [first] = scalars;
      const tree =
        first?.type === "edges"
          ? {
              own: ids.length,
              parents: first.trie.nodes.map(({ parent }) => parent),
              edges: first.trie.edges.map(({ parent, token }) => [parent, token]),
            }
          : {};
      const labelled = first?.type === "answer-loss" ? { labelled: promptLength } : {};
      return { ...tree, ...labelled, scalars: scalars.map(described) };
    });
    await this.model.ask("gradients.texts", { ...request, side }, nothing, weights);
  }

  private take(
    found: Tensors,
    layer: number | "outside",
    add: (of: { layer: number | "outside"; part: string }, products: Float32Array) => void,
  ): void {
    for (const [part, { data }] of found) add({ layer, part }, data);
  }
}

/** A scalar in a request; its weights go as a tensor. */
function described({ type, ...scalar }: Scalar): object {
  return { type, ...("tokens" in scalar && { tokens: scalar.tokens }) };
}

/** Rows of the same tokens whose scalars one pass can give, as one text each. */
function textsOf(rows: readonly GradientRow[]): Text[] {
  const groups = Map.groupBy(rows.keys(), (i) => {
    const { ids, promptLength, scalar } = rows[i]!;
    const kind =
      scalar.type === "edges"
        ? [
            "edges",
            scalar.trie.nodes.map(({ parent, token }) => [parent, token]),
            scalar.trie.edges.map(({ parent, token }) => [parent, token]),
          ]
        : scalar.type === "answer-loss"
          ? ["answer-loss", promptLength]
          : ["logits"];
    return JSON.stringify([kind, ids]);
  });
  return [...groups.values()].map((own) => {
    const { ids, promptLength } = rows[own[0]!]!;
    return { ids, promptLength, scalars: own.map((i) => rows[i]!.scalar), rows: own };
  });
}

/** Tokens that a text runs, a trie behind it included. */
function tokensOf({ ids, scalars: [first] }: Text): number {
  return ids.length + (first?.type === "edges" ? first.trie.nodes.length : 0);
}

/** Bytes that a tile holds of a text: what blocks read, gradients between blocks, and activations and gradients of one block. */
function textBytes({ shape, architecture }: TorchModel, scope: ParameterScope, text: Text): number {
  const tokens = tokensOf(text);
  const read = shape.linears.reduce((sum, { inFeatures }) => sum + inFeatures, 0);
  const given = shape.linears.reduce((sum, { outFeatures }) => sum + outFeatures, 0);
  const scalars = text.scalars.length;
  const inBlock = shape.layers * shape.hiddenSize + read + scalars * (given + 2 * shape.hiddenSize);
  const head = scope.of === "weights" && scope.parts.includes("head");
  const places = text.scalars[0]?.type === "answer-loss" ? text.ids.length - text.promptLength : 1;
  return 4 * (tokens * inBlock + (head ? places * (1 + scalars) * architecture.vocabSize : 0));
}

/** Cuts texts into tiles of so many bytes; one that is larger is a tile of its own. */
function inTiles(texts: readonly Text[], most: number, bytesOf: (text: Text) => number): Text[][] {
  const tiles: Text[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const text of [...texts].sort((a, b) => tokensOf(a) - tokensOf(b))) {
    const own = bytesOf(text);
    if (bytes + own > most) {
      tiles.push([]);
      bytes = 0;
    }
    tiles.at(-1)!.push(text);
    bytes += own;
  }
  return tiles;
}

/** Texts that run together, of one kind of scalar, from the shortest to the longest. */
function inBatches(texts: readonly Text[]): Text[][] {
  const batches: Text[][] = [];
  const kindOf = ({ scalars: [first] }: Text) => (first?.type === "all-logits" ? "logits" : first!.type);
  for (const group of Map.groupBy(texts, kindOf).values()) {
    let last: Text[] | null = null;
    for (const text of [...group].sort((a, b) => tokensOf(a) - tokensOf(b))) {
      if (last && (last.length + 1) * tokensOf(text) <= batchTokens) last.push(text);
      else {
        last = [text];
        batches.push(last);
      }
    }
  }
  return batches;
}
