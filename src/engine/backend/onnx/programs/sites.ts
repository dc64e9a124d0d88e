/**
 * Interventions and taps in compiled graphs. What acts where is part of a graph and of its key; vectors, and by what
 * factor each token is changed, are fed, so that graphs serve every direction and every batch. A batch in which nothing
 * acts runs the plain graph. The graph also gives how much it changed each token, so that an intervention that never acts
 * is seen.
 */
import { linearModules } from "../../../model/architecture.ts";
import { isChosen, layersRun, readAndWrite, scaleOf } from "../../acting.ts";
import type { MeasureOptions, Tokens } from "../../backend.ts";
import { checkInterventions } from "../../checkSites.ts";
import { EffectSums } from "../../effectSums.ts";
import type { Action, Intervention, Site, Tap } from "../../interventions.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { Hook, Place } from "../decoder/hook.ts";
import type { LiveModel, Written } from "../decoder/liveModel.ts";
import { apply, ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import { indexVector, type PackedRows } from "./packing.ts";

/** The tokens of one prompt of a call in a graph of N tokens; padding belongs to nobody, a shared prefix to everyone. */
export interface PromptTokens {
  /** Which prompt of the call. */
  readonly prompt: number;
  readonly promptLength: number;
  readonly tokens: readonly {
    /** Among the N. */
    readonly place: number;
    /** In the text. */
    readonly position: number;
  }[];
}

/**
 * The tokens of packed rows.
 *
 * @param rows which prompt each is, how long the prompt is, and where in its text each token of the row stands; one after
 *   the other where it says only how many there are.
 */
export function promptTokens(
  { layout: { prefix }, place }: PackedRows,
  rows: readonly {
    readonly prompt: number;
    readonly promptLength: number;
    readonly tokens: number | readonly number[];
  }[],
): PromptTokens[] {
  return rows.map(({ prompt, promptLength, tokens }, b) => {
    const positions = typeof tokens === "number" ? [...Array(tokens).keys()] : tokens;
    const at = (t: number) => (t < prefix ? t : place(b, t - prefix));
    return {
      prompt,
      promptLength,
      tokens: positions.map((position, t) => ({ place: at(t), position })),
    };
  });
}

/** The tokens of packed rows that are prompts and nothing else. @param indices which of the call they are. */
export function tokensOfPrompts(
  packed: PackedRows,
  indices: readonly number[],
  rows: readonly Tokens[],
): () => PromptTokens[] {
  return () =>
    promptTokens(
      packed,
      rows.map(({ length }, b) => ({ prompt: indices[b]!, promptLength: length, tokens: length })),
    );
}

/** A graph that is compiled once for its key. */
export interface Graph {
  readonly key: string;
  /** @param read what taps read, by `<tap>.<layer>`, once the decoder has written the layer. */
  readonly build: (decoder: Decoder, read: ReadonlyMap<string, Tensor>) => Written;
  readonly resident?: (name: string) => boolean;
  /** Blocks that are run, from the first; all where left out. */
  readonly blocks?: number;
  /** Whether the last tokens of the prompts were run earlier in the call: one token a row is run now. */
  readonly continues?: boolean;
}

/** The interventions in force during one call of a backend, and what they did so far. */
export class InForce {
  private readonly model: LiveModel;
  private readonly interventions: readonly Intervention[];
  private readonly options: MeasureOptions;
  private readonly prompts: number;
  private readonly vectors: readonly Record<string, Value>[];
  private readonly sums: EffectSums;
  /** What interventions read of each prompt's last token, by output, for the tokens that are generated later. */
  private readonly lasts = new Map<string, Float32Array>();

  /**
   * @param prompts how many the call has.
   * @throws DiscernError("request-invalid") for an intervention that does not fit the model or the prompts.
   */
  constructor(model: LiveModel, prompts: number, options: MeasureOptions = {}) {
    const { interventions = [] } = options;
    const { architecture } = model;
    checkInterventions({ ...architecture, linears: linearModules(architecture) }, interventions, prompts);
    this.model = model;
    this.options = options;
    this.prompts = prompts;
    this.interventions = interventions;
    this.vectors = interventions.map(({ action }, i) => vectorsOf(action, i));
    this.sums = new EffectSums(interventions.length, prompts);
  }

  /** Runs a graph of `count` tokens with the interventions that act on any of them. */
  async run(
    graph: Graph,
    feeds: Record<string, Value>,
    count: number,
    rows: () => readonly PromptTokens[],
    taps: readonly Tap[] = [],
  ): Promise<Record<string, Value>> {
    const { key, build, resident, continues = false } = graph;
    const { model } = this;
    const options = resident ? { resident } : {};
    const own = this.interventions.length > 0 ? rows() : [];
    const acting = this.acting(own, count, continues);
    if (acting.length + taps.length === 0) {
      const program = await model.differentiated(key, (decoder) => build(decoder, new Map()), options);
      this.note([], own, graph, {});
      return model.run(program, feeds);
    }
    const hook = new SiteHook(acting, taps, count, continues);
    const sites = acting.map(({ index, intervention: { site, action, restoreNorm } }) => [
      index,
      site,
      action.type === "project" ? `project ${action.of}` : action.type,
      ...(restoreNorm ? ["restore norm"] : []),
    ]);
    const program = await model.differentiated(
      `${key} ${JSON.stringify(sites)} ${JSON.stringify(taps.map(({ site, read }) => [site, read]))}`,
      (decoder) => {
        const { outputs, ...rest } = build(decoder, hook.read);
        return { ...rest, outputs: { ...outputs, ...hook.outputs } };
      },
      { ...options, hook },
    );
    const fed = { ...feeds, ...this.feeds(acting, own, count, continues) };
    const out = await model.run(program, fed);
    this.note(acting, own, graph, out);
    return out;
  }

  /** Reports what the interventions did in this call. */
  report(): void {
    const effects = this.sums.effects();
    if (effects.length > 0) this.options.onEffects?.(effects);
  }

  /**
   * The interventions that change a token of these, and the factor of the change for each of the N; and those that only
   * read the last tokens here, for what is generated later.
   */
  private acting(rows: readonly PromptTokens[], count: number, continues: boolean): Acting[] {
    return this.interventions.flatMap((intervention, index) => {
      const factors = new Float32Array(count);
      let acts = false;
      for (const { prompt, promptLength, tokens } of rows) {
        const scale = scaleOf(intervention, prompt);
        acts ||= readsLast(intervention.action) && !continues && scale !== 0;
        for (const { place, position } of tokens) {
          if (isChosen(intervention.positions, prompt, promptLength, position)) factors[place] = scale;
        }
      }
      acts ||= factors.some((factor) => factor !== 0);
      return acts ? [{ index, intervention, factors }] : [];
    });
  }

  private feeds(
    acting: readonly Acting[],
    rows: readonly PromptTokens[],
    count: number,
    continues: boolean,
  ): Record<string, Value> {
    const feeds: Record<string, Value> = {};
    for (const { index, intervention, factors } of acting) {
      Object.assign(feeds, this.vectors[index]);
      feeds[factorName(index)] = Value.of(factors, [count, 1]);
      if (!readsLast(intervention.action)) continue;
      if (!continues) {
        feeds[lastPlaces] ??= indexVector(placesOfLast(rows, count));
        continue;
      }
      for (const layer of intervention.site.layers) {
        const name = alongName(index, layer);
        const along = new Float32Array(count);
        for (const { prompt, tokens } of rows) {
          for (const { place } of tokens) along[place] = this.lasts.get(name)?.[prompt] ?? 0;
        }
        feeds[name] = Value.of(along, [count, 1]);
      }
    }
    return feeds;
  }

  /** Adds up what a batch did, and keeps what was read of its prompts' last tokens. */
  private note(
    acting: readonly Acting[],
    rows: readonly PromptTokens[],
    { blocks = this.model.architecture.layers }: Graph,
    out: Record<string, Value>,
  ): void {
    if (rows.length === 0) return;
    const places = new Set(rows.flatMap(({ tokens }) => tokens.map(({ place }) => place))).size;
    for (const [i, { site }] of this.interventions.entries()) {
      this.sums.addAll(i, places * layersRun(site, blocks).length);
    }
    for (const { index, intervention, factors } of acting) {
      for (const layer of intervention.site.layers) {
        const lengths = out[lengthsName(index, layer)]?.data;
        if (lengths) addLengths(this.sums, index, lengths, factors, rows);
        const name = alongName(index, layer);
        const along = out[name]?.data;
        if (!along) continue;
        const kept = this.lasts.get(name) ?? new Float32Array(this.prompts);
        this.lasts.set(name, kept);
        for (const { prompt, promptLength, tokens } of rows) {
          kept[prompt] = along[tokens[promptLength - 1]!.place]!;
        }
      }
    }
  }
}

/** An intervention at work in a batch: its place in the list, and the factor of the change for each token. */
interface Acting {
  readonly index: number;
  readonly intervention: Intervention;
  readonly factors: Float32Array;
}

const vectorName = (intervention: number, which: string) => `intervention.${intervention}.${which}`;
const factorName = (intervention: number) => `intervention.${intervention}.factor`;
/** ‖x' − x‖ and ‖x‖ of each token, (N, 2). */
const lengthsName = (intervention: number, layer: number) => `intervention.${intervention}.lengths.${layer}`;
/** x·read of each token, (N, 1): given by the graph that runs the prompts, fed to those that run what follows. */
const alongName = (intervention: number, layer: number) => `intervention.${intervention}.along.${layer}`;
/** For each token the place of its prompt's last one, (N). */
const lastPlaces = "tokens.last";

const readsLast = (action: Action) => action.type === "project" && action.of === "last";

/** Acts and reads while one graph is written. */
class SiteHook implements Hook {
  private readonly acting: readonly Acting[];
  private readonly taps: readonly Tap[];
  private readonly tokens: number;
  private readonly continues: boolean;
  private readonly inputs = new Map<string, Tensor>();
  /** What each tap reads, by `<tap>.<layer>`. */
  readonly read = new Map<string, Tensor>();
  /** What the interventions did and read, by output. */
  readonly outputs: Record<string, Tensor> = {};

  constructor(acting: readonly Acting[], taps: readonly Tap[], tokens: number, continues: boolean) {
    this.acting = acting;
    this.taps = taps;
    this.tokens = tokens;
    this.continues = continues;
  }

  touches(layer: number): boolean {
    return [...this.acting.map(({ intervention }) => intervention), ...this.taps].some(({ site }) =>
      site.layers.includes(site.at === "block-input" ? layer + 1 : layer),
    );
  }

  at(place: Place, x: Tensor): Tensor {
    let y = x;
    for (const each of this.acting) {
      if (!isAt(each.intervention.site, place)) continue;
      const factor = this.input(factorName(each.index), [this.tokens, 1]);
      const added = ops.mul(factor, this.change(each, place.layer, y));
      const moved = ops.add(y, added);
      const changed = each.intervention.restoreNorm ? withLengthOf(y, moved) : moved;
      const change = changed === moved ? added : ops.sub(changed, y);
      this.outputs[lengthsName(each.index, place.layer)] = ops.concat([lengths(change), lengths(y)], 1);
      y = changed;
    }
    const tapped = this.taps.flatMap(({ site }, t) => (isAt(site, place) ? [t] : []));
    // Modules that share an input each get their own, so that a gradient is that of the module alone.
    if (place.at === "linear-input" && tapped.some((t) => this.taps[t].read === "gradient")) {
      y = apply("reshape", [y], { shape: y.shape });
    }
    for (const t of tapped) this.read.set(`${t}.${place.layer}`, y);
    return y;
  }

  /** The change of every activation of x (N, w) before its factor: (N, w), or (1, w) where it is the same for all. */
  private change({ index, intervention: { action } }: Acting, layer: number, x: Tensor): Tensor {
    const vector = (which: string) => this.input(vectorName(index, which), [1, x.shape[1]]);
    if (action.type === "add") return vector("write");
    const name = alongName(index, layer);
    if (readsLast(action) && this.continues) {
      return ops.mul(this.input(name, [this.tokens, 1]), vector("write"));
    }
    const own = ops.sum(ops.mul(x, vector("read")), [1], true);
    if (!readsLast(action)) return ops.mul(own, vector("write"));
    this.outputs[name] = own;
    return ops.mul(ops.gather(own, this.input(lastPlaces, [this.tokens], "int32")), vector("write"));
  }

  private input(name: string, shape: readonly number[], dtype?: "int32"): Tensor {
    const tensor = this.inputs.get(name) ?? input(name, shape, dtype);
    this.inputs.set(name, tensor);
    return tensor;
  }
}

function isAt(site: Site, { at, layer, module }: Place): boolean {
  return site.at === at && site.layers.includes(layer) && (!("module" in site) || site.module === module);
}

/** The vectors of an action, (1, w) each: what is read of x, and what is written by it; of `add` what is written. */
function vectorsOf(action: Action, index: number): Record<string, Value> {
  const { read, write } = readAndWrite(action);
  const fed = (which: string, vector: Float32Array) => ({
    [vectorName(index, which)]: Value.of(Float32Array.from(vector), [1, vector.length]),
  });
  return { ...(read && fed("read", read)), ...fed("write", write) };
}

/** ‖x‖ of each activation (N, w): (N, 1). */
function lengths(x: Tensor): Tensor {
  return ops.sqrt(ops.sumSquare(x, [1], true));
}

/**
 * Activations scaled to the lengths of others, (N, w). What is equal stays as it is, bit for bit. Squares are raised by what no activation
 * notices, since a root has no slope at 0, which padding may be.
 */
function withLengthOf(x: Tensor, scaled: Tensor): Tensor {
  const length = (of: Tensor) => ops.sqrt(ops.add(ops.sumSquare(of, [1], true), 1e-24));
  return ops.mul(scaled, ops.div(length(x), length(scaled)));
}

function placesOfLast(rows: readonly PromptTokens[], count: number): number[] {
  const places: number[] = Array(count).fill(0);
  for (const { promptLength, tokens } of rows) {
    const last = tokens[promptLength - 1]!.place;
    for (const { place } of tokens) places[place] = last;
  }
  return places;
}

/** Adds up the lengths (N, 2) of what was changed at one layer; tokens that prompts share count once, and for each of them. */
function addLengths(
  sums: EffectSums,
  intervention: number,
  lengths: Float32Array,
  factors: Float32Array,
  rows: readonly PromptTokens[],
): void {
  const seen = new Set<number>();
  for (const { prompt, tokens } of rows) {
    for (const { place } of tokens) {
      if (factors[place] === 0) continue;
      const [change, norm] = [lengths[2 * place]!, lengths[2 * place + 1]!];
      sums.addRatios(intervention, prompt, norm > 0 ? change / norm : 0, 1);
      if (seen.has(place)) continue;
      seen.add(place);
      sums.add(intervention, { activations: 1, change, norm });
    }
  }
}
