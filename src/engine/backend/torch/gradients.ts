/**
 * Inner products of gradients by the worker (`worker/gradients.py`). Tiles of texts are as large as one block of them fits in memory; a
 * request is one batch of texts, or one block of a tile.
 */
import * as z from "zod";
import type { Parameter } from "../../model/weights.ts";
import type {
  GradientProductOptions,
  GradientProducts,
  GradientRow,
  GradientSum,
  ParameterScope,
} from "../backend.ts";
import { checkAdapterScope, checkGradientRows, checkGradientScope, noModules } from "../checkGradients.ts";
import { refuseNaN } from "../finite.ts";
import { bytesOfText, layersOf, tilesOf } from "../gradientPlan.ts";
import { GradientSums } from "../gradientSums.ts";
import { type GradientText, gradientTexts } from "../gradientTexts.ts";
import { packed, type TorchModel } from "./torchModel.ts";
import { factorsOf } from "./trainer.ts";
import type { Tensors } from "./wire.ts";

/** Bytes of one block of the texts at work; a GPU waits for the host where tiles are small. */
const roomOf = ({ device }: TorchModel): number => (device === "cpu" ? 2 ** 30 : 2 ** 33);
/** Tokens of a batch, padding included; gradients of all its scalars are there at once. */
const batchTokens = 1024;

const nothing = z.object({});

/**
 * Inner products of gradients, as `Backend.gradientProducts` describes them.
 *
 * @param room bytes of one block of the texts at work, of two tiles where they are not all at work together.
 */
export async function gradientProducts(
  model: TorchModel,
  left: readonly GradientRow[],
  right: readonly GradientRow[] | null,
  { scope, sums: wanted, onProgress }: GradientProductOptions,
  room = roomOf(model),
): Promise<GradientProducts> {
  checkGradientRows(model.shape, [...left, ...(right ?? [])]);
  checkGradientScope(model.shape, scope);
  if (scope.of === "adapter" && scope.adapter) checkAdapterScope(scope.adapter, scope);
  const sums = new GradientSums(left.length, (right ?? left).length, wanted);
  const { lowest } = layersOf(model.shape, scope);
  const bytesOf = (text: GradientText) => bytesOfText(model.shape, text, lowest);
  const sides = [gradientTexts(left, null), ...(right ? [gradientTexts(right, null)] : [])];
  const total = sides.flat().reduce((sum, text) => sum + bytesOf(text), 0);
  // Two sides that fit together are one tile each, however they share the room.
  const cut = (texts: GradientText[]) => (total <= room ? [texts] : tilesOf(texts, bytesOf, room));
  const lefts = cut(sides[0]!);
  const rights = right ? cut(sides[1]!) : lefts;
  const tiles = lefts.flatMap((own, i) =>
    rights
      .map((other, j) => ({ own, other: right === null && i === j ? null : other, j }))
      .filter(({ j }) => right !== null || j >= i),
  );
  for (const [done, { own, other }] of tiles.entries()) {
    const tile = new Tile(model, scope, own, other);
    const rows = { ...tile.rows, mirrored: right === null && other !== null };
    await tile.run(
      (of, products) => sums.add(of, products, rows),
      (share) => onProgress?.((done + share) / tiles.length),
    );
  }
  if (scope.of === "adapter" && sums.all().length === 0) throw noModules();
  return { sums: sums.all() };
}

/** Is given the products (rows of left, rows of right) of a part. */
type Add = (of: Pick<GradientSum, "layer" | "part">, products: Float32Array) => void;

/** The products of two groups of texts, or of one with itself. */
class Tile {
  /** The rows that each scalar is, in the order of the products. */
  readonly rows: {
    readonly left: readonly (readonly number[])[];
    readonly right: readonly (readonly number[])[];
  };
  private readonly model: TorchModel;
  private readonly scope: ParameterScope;
  private readonly left: readonly (readonly GradientText[])[];
  /** null for the left side's own products. */
  private readonly right: readonly (readonly GradientText[])[] | null;

  constructor(
    model: TorchModel,
    scope: ParameterScope,
    left: readonly GradientText[],
    right: readonly GradientText[] | null,
  ) {
    this.model = model;
    this.scope = scope;
    this.left = inBatches(left);
    this.right = right && inBatches(right);
    const rowsOf = (batches: readonly (readonly GradientText[])[]) =>
      batches.flat().flatMap(({ left: rows }) => rows);
    this.rows = { left: rowsOf(this.left), right: rowsOf(this.right ?? this.left) };
  }

  async run(add: Add, onProgress: (share: number) => void): Promise<void> {
    const { layers } = this.model.shape;
    const { blocks, lowest } = layersOf(this.model.shape, this.scope);
    const embedding = this.scope.of === "weights" && this.scope.parts.includes("embedding");
    const down = Array.from({ length: layers - lowest }, (_, i) => layers - 1 - i);
    const requests = [
      ...this.left.map((texts) => () => this.send(texts, this.right ? "left" : "both")),
      ...(this.right ?? []).map((texts) => () => this.send(texts, "right")),
      () => this.take("gradients.outside", {}, "outside", add),
      ...down.map(
        (layer) => () => this.take("gradients.layer", { layer, counts: blocks.includes(layer) }, layer, add),
      ),
      ...(embedding ? [() => this.take("gradients.embedding", {}, "outside", add)] : []),
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
      ? Object.fromEntries([...modules].map(([name, { scale }]) => [name, scale]))
      : null;
    const factors = modules && factorsOf(modules);
    await this.model.ask("gradients.begin", { scope: { of: scope.of, scales } }, nothing, factors);
  }

  private async send(texts: readonly GradientText[], side: "left" | "right" | "both"): Promise<void> {
    const weights = new Map<string, Parameter>();
    const request = packed({ rows: texts.map(({ tokens }) => tokens), prefix: [] }, (b) => {
      const { own, trie, normalised, places, scalars } = texts[b]!;
      for (const [s, { entries, all }] of scalars.entries()) {
        const data = all ?? Float32Array.from(entries, ([, , weight]) => weight);
        weights.set(`weights.${b}.${s}`, { shape: [data.length], data });
      }
      return {
        ...(trie.nodes.length > 0 && { own, parents: trie.nodes.map(({ parent }) => parent) }),
        ...{ normalised, places },
        scalars: scalars.map(({ entries, all }) =>
          all ? null : entries.map(([place, token]) => [place, token]),
        ),
      };
    });
    await this.model.ask("gradients.texts", { ...request, side }, nothing, weights);
  }

  private async take(method: string, params: object, layer: GradientSum["layer"], add: Add): Promise<void> {
    const found: Tensors = await this.model.tensors(method, params);
    for (const [part, { data }] of found) {
      refuseNaN(data, "gradients");
      add({ layer, part }, data);
    }
  }
}

/** Texts that run together, from the shortest to the longest; those with a trie behind them apart. */
function inBatches(texts: readonly GradientText[]): GradientText[][] {
  const batches: GradientText[][] = [];
  for (const group of Map.groupBy(texts, ({ trie }) => trie.nodes.length > 0).values()) {
    let last: GradientText[] | null = null;
    for (const text of [...group].sort((a, b) => a.tokens.length - b.tokens.length)) {
      if (last && (last.length + 1) * text.tokens.length <= batchTokens) last.push(text);
      else {
        last = [text];
        batches.push(last);
      }
    }
  }
  return batches;
}
