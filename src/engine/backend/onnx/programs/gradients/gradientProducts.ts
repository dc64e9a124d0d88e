/**
 * Inner products of gradients without the gradients. Texts are cut into batches, and batches into tiles, two of which are at
 * work at a time: forward once, the states that blocks read kept; then back block by block, from the head down, each block's
 * products of all pairs of texts taken before the next block's cotangents. So memory holds one layer of two tiles, whatever
 * the number of texts.
 */
import { linearModules } from "../../../../model/architecture.ts";
import type {
  BackendShape,
  GradientProductOptions,
  GradientProducts,
  GradientRow,
  ParameterScope,
} from "../../../backend.ts";
import { checkAdapterScope, checkGradientRows, checkGradientScope } from "../../../checkGradients.ts";
import { refuseNaN } from "../../../finite.ts";
import { bytesOfText, layersOf, tilePairs, tilesOf } from "../../../gradientPlan.ts";
import { GradientSums } from "../../../gradientSums.ts";
import { areMultiplied, gradientTexts } from "../../../gradientTexts.ts";
import type { LiveModel } from "../../decoder/liveModel.ts";
import { adapterOf } from "../../decoder/loraFactors.ts";
import { loraNames } from "../../decoder/parameters.ts";
import type { StepProgram } from "../../runtime/stepProgram.ts";
import type { Value } from "../../runtime/value.ts";
import { floats, fromPlaces, type GradientBatch, gradientBatches, placesOf } from "./batch.ts";
import { HeadPieces, type ReadHead } from "./head.ts";
import { type Factors, Products } from "./products.ts";
import {
  backwardProgram,
  embedProgram,
  forwardProgram,
  type Segment,
  sharedInputs,
  type Wanted,
} from "./segments.ts";

type BatchPair = readonly [GradientBatch, GradientBatch];

/**
 * Gradient products, as `Backend.gradientProducts` describes them.
 *
 * @param room bytes of the tiles at work; as many as the plan counts with where left out.
 */
export async function gradientProducts(
  model: LiveModel,
  shape: BackendShape,
  left: readonly GradientRow[],
  right: readonly GradientRow[] | null,
  options: GradientProductOptions,
  room?: number,
): Promise<GradientProducts> {
  checkGradientRows(shape, [...left, ...(right ?? [])]);
  checkGradientScope(shape, options.scope);
  const scope = await resolved(model, options.scope);
  const { lowest } = layersOf(shape, scope);
  const batches = gradientBatches(model.architecture, gradientTexts(left, right));
  const bytesOf = ({ texts }: GradientBatch) =>
    texts.reduce((sum, text) => sum + bytesOfText(shape, text, lowest), 0);
  const tiles = tilesOf(batches, bytesOf, room);
  const areWanted = (a: GradientBatch, b: GradientBatch) =>
    a.texts.some((one) => b.texts.some((other) => areMultiplied(one, other)));
  const sums = new GradientSums(left.length, (right ?? left).length, options.sums);
  const products = new Products(model.device);
  const pass = new Pass(model, shape, { scope, sums, products });
  const pairs = tilePairs(tiles, areWanted);
  try {
    for (const [i, { a, b, within }] of pairs.entries()) {
      const own = within.flatMap((tile) => among(tiles[tile]!));
      const across =
        a === b ? [] : tiles[a]!.flatMap((one) => tiles[b]!.map((other): BatchPair => [one, other]));
      await pass.run(
        [...own, ...across].filter(([one, other]) => areWanted(one, other)),
        (share) => options.onProgress?.((i + share) / pairs.length),
      );
    }
  } finally {
    await products.dispose();
  }
  for (const { products: found } of sums.all()) refuseNaN(found, "gradients");
  return { sums: sums.all() };
}

/** Each pair once, each with itself. */
function among(batches: readonly GradientBatch[]): BatchPair[] {
  return batches.flatMap((one, i) => batches.slice(i).map((other): BatchPair => [one, other]));
}

/** A scope whose adapter is named. @throws DiscernError("request-invalid") where the model has none. */
async function resolved(model: LiveModel, scope: ParameterScope): Promise<ParameterScope> {
  if (scope.of === "weights") return scope;
  const trained = async () => {
    const names = [...model.lora.keys()].flatMap((module) => Object.values(loraNames(module)));
    const factors = await Promise.all(
      names.map(async (name) => {
        const value = await model.parameters.value(name);
        return [name, { shape: [...value.shape], data: await model.device.download(value) }] as const;
      }),
    );
    return adapterOf(model.lora, new Map(factors));
  };
  const adapter = scope.adapter ?? (model.lora.size > 0 ? await trained() : model.frozen);
  checkAdapterScope(adapter, scope);
  return { ...scope, adapter };
}

/** A batch at work. */
interface Running {
  /** What blocks read, (B·T, C), from the lowest on; the last is what the final norm reads. */
  readonly states: Float32Array[];
  /** The cotangent of what was last come by, (B·k·T, C). */
  cotangent: Float32Array;
  head: ReadHead | null;
  /** Outputs of the last block, written over by the next. */
  readonly kept: Record<string, Value>;
}

interface PassOptions {
  readonly scope: ParameterScope;
  readonly sums: GradientSums;
  readonly products: Products;
}

/** Passes over batches, and the products of pairs of them. */
class Pass {
  private readonly model: LiveModel;
  private readonly options: PassOptions;
  private readonly blocks: ReadonlySet<number>;
  private readonly lowest: number;
  private readonly heads: HeadPieces;
  private readonly inputOf: ReadonlyMap<string, string>;
  private readonly programs = new Map<string, Promise<StepProgram>>();

  constructor(model: LiveModel, shape: BackendShape, options: PassOptions) {
    this.model = model;
    this.options = options;
    const { blocks, lowest } = layersOf(shape, options.scope);
    this.blocks = new Set(blocks);
    this.lowest = lowest;
    this.heads = new HeadPieces(model);
    this.inputOf = sharedInputs(model.architecture);
  }

  /** @param onProgress is told the share that is done. */
  async run(pairs: readonly BatchPair[], onProgress: (share: number) => void): Promise<void> {
    const { layers } = this.model.architecture;
    const running = new Map<GradientBatch, Running>();
    const batches = [...new Set(pairs.flat())];
    const stages = batches.length + (layers - this.lowest) + 2;
    let done = 0;
    const next = () => onProgress(++done / stages);
    for (const batch of batches) {
      running.set(batch, await this.forward(batch));
      next();
    }
    for (const [batch, at] of running) await this.throughHead(batch, at);
    await this.headProducts(pairs, running);
    next();
    for (let layer = layers - 1; layer >= this.lowest; layer--) {
      await this.block(layer, pairs, running);
      next();
    }
    await this.embeddingProducts(pairs, running);
    next();
  }

  private has(part: Extract<ParameterScope, { of: "weights" }>["parts"][number]): boolean {
    return this.options.scope.of === "weights" && this.options.scope.parts.includes(part);
  }

  private async forward(batch: GradientBatch): Promise<Running> {
    const { layers, hiddenSize } = this.model.architecture;
    const { batch: rows, length } = batch.layout;
    const count = rows * length;
    const embed = await this.program(`embed ${count}`, () => embedProgram(this.model, count));
    let x = (await this.model.run(embed, batch.feeds)).y!.data;
    const states: Float32Array[] = [];
    if (this.lowest === 0) states[0] = x;
    for (let layer = 0; layer < layers; layer++) {
      const program = await this.segment("forward", layer, batch, () =>
        forwardProgram(this.model, layer, batch),
      );
      x = (await this.model.run(program, { ...batch.feeds, x: floats(x, count, hiddenSize) })).y!.data;
      if (layer + 1 >= this.lowest) states[layer + 1] = x;
    }
    return { states, cotangent: new Float32Array(0), head: null, kept: {} };
  }

  /** From scalars to the cotangent of what the last block gives, through head and final norm. */
  private async throughHead(batch: GradientBatch, at: Running): Promise<void> {
    const { layers, hiddenSize } = this.model.architecture;
    const { texts, times, places } = batch;
    const rows = texts.length * places;
    const read = floats(placesOf(batch, at.states[layers]!), rows, hiddenSize);
    const norm = await this.segment("forward", "final-norm", batch, () =>
      forwardProgram(this.model, "final-norm", batch),
    );
    const hidden = (await this.model.run(norm, { x: read })).y!.data;
    const head = { batch, hidden, logSums: await this.heads.logSums(batch, hidden) };
    const dy = new Float32Array(rows * times * hiddenSize);
    for (const tokens of this.heads.pieces([batch])) {
      const piece = (await this.heads.cotangents(head, tokens)).hidden;
      for (let i = 0; i < dy.length; i++) dy[i]! += piece[i]!;
    }
    const wanted = { ...nothing, norms: this.has("final-norm"), below: true };
    const back = await this.segment("backward", "final-norm", batch, () =>
      backwardProgram(this.model, "final-norm", batch, wanted),
    );
    const out = await this.model.run(back, { x: read, dy: floats(dy, rows * times, hiddenSize) });
    at.cotangent = fromPlaces(batch, out.dx!.data);
    at.head = head;
    if (out.norms) at.kept["final-norm"] = out.norms;
  }

  /** Products of the final norm and of the head; with a tied embedding in scope, of what its two uses have in common. */
  private async headProducts(
    pairs: readonly BatchPair[],
    running: ReadonlyMap<GradientBatch, Running>,
  ): Promise<void> {
    const { products, sums } = this.options;
    if (this.has("final-norm")) {
      const vectors = new Map([...running].map(([batch, { kept }]) => [batch, kept["final-norm"]!.data]));
      await products.ofVectors(pairs, vectors, sums.of("outside", "final-norm"));
    }
    if (!this.has("head")) return;
    const add = sums.of("outside", "head");
    for (const tokens of this.heads.pieces([...running.keys()])) {
      const factors = new Map<GradientBatch, Factors>();
      for (const [batch, { head }] of running) {
        const cotangents = (await this.heads.cotangents(head!, tokens)).x;
        factors.set(batch, { batch, length: batch.places, inputs: head!.hidden, cotangents });
      }
      await products.ofMatrix(paired(pairs, factors), add);
    }
  }

  private async block(
    layer: number,
    pairs: readonly BatchPair[],
    running: ReadonlyMap<GradientBatch, Running>,
  ): Promise<void> {
    const { hiddenSize } = this.model.architecture;
    const wanted = this.wantedOf(layer);
    const adapter = this.adapterFeeds(layer);
    const outputs = new Map<GradientBatch, Record<string, Value>>();
    for (const [batch, at] of running) {
      const program = await this.segment("backward", layer, batch, () =>
        backwardProgram(this.model, layer, batch, wanted),
      );
      const { batch: rows, length } = batch.layout;
      const feeds = {
        ...batch.feeds,
        ...adapter,
        x: floats(at.states[layer]!, rows * length, hiddenSize),
        dy: floats(at.cotangent, rows * batch.times * length, hiddenSize),
      };
      const out = await this.model.run(program, feeds, at.kept);
      // It is not read again.
      at.states.length = layer;
      if (out.dx) at.cotangent = out.dx.data;
      for (const [name, value] of Object.entries(out)) if (/^[aduv]\./.test(name)) at.kept[name] = value;
      outputs.set(batch, out);
    }
    await this.blockProducts(layer, wanted, pairs, outputs);
  }

  private async blockProducts(
    layer: number,
    wanted: Wanted,
    pairs: readonly BatchPair[],
    outputs: ReadonlyMap<GradientBatch, Record<string, Value>>,
  ): Promise<void> {
    const { products, sums } = this.options;
    const matrix = async (part: string, inputs: string, cotangents: string) => {
      const factors = new Map<GradientBatch, Factors>();
      for (const [batch, out] of outputs) {
        const [a, d] = [out[inputs]!.data, out[cotangents]!.data];
        factors.set(batch, { batch, length: batch.layout.length, inputs: a, cotangents: d });
      }
      await products.ofMatrix(paired(pairs, factors), sums.of(layer, part));
    };
    for (const [module, input] of this.inputOf) {
      if (wanted.linears) await matrix(module, `a.${input}`, `d.${module}`);
      if (!wanted.ranks.has(module)) continue;
      await matrix(`${module}.lora_A`, `a.${input}`, `v.${module}`);
      await matrix(`${module}.lora_B`, `u.${module}`, `d.${module}`);
    }
    for (const part of ["biases", "norms"] as const) {
      const vectors = new Map(
        [...outputs].flatMap(([batch, out]) => (out[part] ? [[batch, out[part].data]] : [])),
      );
      if (vectors.size > 0) await products.ofVectors(pairs, vectors, sums.of(layer, part));
    }
  }

  /** Products of the embedding: tokens that two texts share. */
  private async embeddingProducts(
    pairs: readonly BatchPair[],
    running: ReadonlyMap<GradientBatch, Running>,
  ): Promise<void> {
    if (!this.has("embedding")) return;
    const { products, sums } = this.options;
    const { embeddingScale, tiedEmbeddings } = this.model.architecture;
    const scaled = new Map(
      [...running].map(([batch, { cotangent }]) => [batch, cotangent.map((x) => x * embeddingScale)]),
    );
    const add = sums.of("outside", "embedding");
    for (const [a, b] of pairs) {
      const tokens = [...new Set(a.texts.flatMap((text) => text.tokens))];
      const factors = (batch: GradientBatch): Factors => ({
        batch,
        length: batch.layout.length,
        inputs: indicators(batch, tokens),
        cotangents: scaled.get(batch)!,
      });
      const left = factors(a);
      await products.ofMatrix([[left, a === b ? left : factors(b)]], add);
    }
    if (!(tiedEmbeddings && this.has("head"))) return;
    for (const [a, b] of pairs) {
      await this.crossProducts(a, b, running, scaled);
      if (a !== b) await this.crossProducts(b, a, running, scaled);
    }
  }

  /** The head of the texts of `a` with the embeddings of those of `b`. */
  private async crossProducts(
    a: GradientBatch,
    b: GradientBatch,
    running: ReadonlyMap<GradientBatch, Running>,
    deltas: ReadonlyMap<GradientBatch, Float32Array>,
  ): Promise<void> {
    const add = this.options.sums.of("outside", "tied");
    const { hiddenSize } = this.model.architecture;
    const head = running.get(a)!.head!;
    const tokens = [...new Set(b.texts.flatMap((text) => text.tokens))];
    const places = new Map(tokens.map((token, i) => [token, i]));
    const { x } = await this.heads.cotangents(head, tokens);
    const { times, places: M } = a;
    const { length } = b.layout;
    for (const i of a.texts.keys()) {
      const picked = new Float32Array(b.texts.length * times * length * M);
      for (const [j, text] of b.texts.entries()) {
        for (let s = 0; s < times; s++) {
          for (const [t, token] of text.tokens.entries()) {
            for (let m = 0; m < M; m++) {
              const from = ((i * times + s) * M + m) * tokens.length + places.get(token)!;
              picked[((j * times + s) * length + t) * M + m] = x[from]!;
            }
          }
        }
      }
      const h = head.hidden.subarray(i * M * hiddenSize, (i + 1) * M * hiddenSize);
      await this.options.products.cross(i, a, b, { picked, h, deltas: deltas.get(b)! }, add);
    }
  }

  private wantedOf(layer: number): Wanted {
    const below = layer > this.lowest || this.has("embedding");
    if (!this.blocks.has(layer)) return { ...nothing, below };
    const ranks = new Map(
      [...this.modulesIn(layer)].map(([module, { a }]): [string, number] => [module, a.shape[0]!]),
    );
    return {
      linears: this.has("linears"),
      biases: this.has("biases"),
      norms: this.has("norms"),
      ranks,
      below,
    };
  }

  private modulesIn(layer: number) {
    const { scope } = this.options;
    if (scope.of === "weights") return [];
    const prefix = `model.layers.${layer}.`;
    return linearModules(this.model.architecture).flatMap(({ name }) => {
      const found = scope.adapter?.modules.get(prefix + name);
      return found ? [[name, found] as const] : [];
    });
  }

  private adapterFeeds(layer: number): Record<string, Value> {
    if (!this.blocks.has(layer)) return {};
    return Object.fromEntries(
      this.modulesIn(layer).flatMap(([module, { a, b, scale }]) => [
        [`lora.a.${module}`, floats(a.data, ...a.shape)],
        [`lora.b.${module}`, floats(b.data, ...b.shape)],
        [`lora.scale.${module}`, floats(Float32Array.of(scale))],
      ]),
    );
  }

  private segment(
    direction: "forward" | "backward",
    segment: Segment,
    { layout, times, places }: GradientBatch,
    make: () => Promise<StepProgram>,
  ): Promise<StepProgram> {
    const rows = segment === "final-norm" ? places : layout.length;
    return this.program(
      `${direction} ${segment} ${layout.batch}x${rows}${direction === "backward" ? ` ${times}` : ""}`,
      make,
    );
  }

  private program(key: string, make: () => Promise<StepProgram>): Promise<StepProgram> {
    const known = this.programs.get(key) ?? make();
    this.programs.set(key, known);
    return known;
  }
}

const nothing: Wanted = { linears: false, biases: false, norms: false, ranks: new Map(), below: false };

const paired = (pairs: readonly BatchPair[], factors: ReadonlyMap<GradientBatch, Factors>) =>
  pairs.map(([a, b]) => [factors.get(a)!, factors.get(b)!] as const);

/** Rows (B·T, n) with a 1 where a token is one of these; n is rounded up, so that graphs are reused. */
function indicators({ texts, layout: { length } }: GradientBatch, tokens: readonly number[]): Float32Array {
  const width = Math.ceil(tokens.length / 32) * 32;
  const at = new Map(tokens.map((token, i) => [token, i]));
  const data = new Float32Array(texts.length * length * width);
  for (const [b, text] of texts.entries()) {
    for (const [t, token] of text.tokens.entries()) {
      const place = at.get(token);
      if (place !== undefined) data[(b * length + t) * width + place] = 1;
    }
  }
  return data;
}
