/**
 * Interventions and taps in compiled graphs. What acts where is part of a graph and of its key; vectors, and which tokens
 * are meant, are fed, so that graphs serve every direction and every batch. For each batch the graph also says how much
 * was changed, so that an intervention that never acts is seen.
 */
import { linearModules } from "../../../model/architecture.ts";
import type { MeasureOptions } from "../../backend.ts";
import { checkInterventions } from "../../checkSites.ts";
import type { Intervention, InterventionEffect, Positions, Site, Tap } from "../../interventions.ts";
import type { Decoder } from "../decoder/decoder.ts";
import type { Hook, Place } from "../decoder/hook.ts";
import type { LiveModel } from "../decoder/liveModel.ts";
import { apply, ops } from "../graph/ops.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import type { PackedRows } from "./batching.ts";

/** Which of a graph's N tokens are meant: places among the N; padding is in none of them. */
export type TokenPlaces = Readonly<Record<Positions, readonly number[]>>;

/** The places of packed rows, given how many tokens each has and how many of them, from its start, are its prompt. */
export function tokenPlaces(
  { layout: { prefix }, place }: PackedRows,
  rows: readonly { readonly tokens: number; readonly prompt: number }[],
): TokenPlaces {
  const shared = [...Array(prefix).keys()];
  const own = (lengthOf: (row: (typeof rows)[number]) => number) =>
    rows.flatMap((row, b) => Array.from({ length: lengthOf(row) - prefix }, (_, t) => place(b, t)));
  return {
    all: [...shared, ...own(({ tokens }) => tokens)],
    prompt: [...shared, ...own(({ prompt }) => prompt)],
    last: rows.map(({ prompt }, b) => place(b, prompt - 1 - prefix)),
  };
}

/** A graph that is compiled once for its key. */
export interface Graph {
  readonly key: string;
  /** @param read what taps read, by `<tap>.<layer>`, once the decoder has written the layer. */
  readonly build: (decoder: Decoder, read: ReadonlyMap<string, Tensor>) => Record<string, Tensor>;
  readonly resident?: (name: string) => boolean;
}

/** The interventions in force during one call of a backend, and what they did so far. */
export class InForce {
  private readonly model: LiveModel;
  private readonly interventions: readonly Intervention[];
  private readonly options: MeasureOptions;
  private readonly key: string;
  private readonly vectors: Record<string, Value> = {};
  private readonly sums: Float64Array[];

  /** @throws DiscernError("request-invalid") for a layer, module or vector that the model does not have. */
  constructor(model: LiveModel, options: MeasureOptions = {}) {
    const { interventions = [] } = options;
    const { architecture } = model;
    checkInterventions({ ...architecture, linears: linearModules(architecture) }, interventions);
    this.model = model;
    this.options = options;
    this.interventions = interventions;
    this.key = JSON.stringify(
      interventions.map(({ site, positions, action }) => [site, positions, action.type]),
    );
    for (const [i, { action }] of interventions.entries()) {
      const vector = action.type === "ablate" ? unit(action.direction) : Float32Array.from(action.vector);
      this.vectors[vectorName(i)] = Value.of(vector, [1, vector.length]);
    }
    this.sums = interventions.map(() => new Float64Array(effectParts));
  }

  /** Runs a graph with the interventions, on a batch of `tokens` tokens of which `places` are meant. */
  async run(
    { key, build, resident }: Graph,
    feeds: Record<string, Value>,
    tokens: number,
    places: () => TokenPlaces,
    taps: readonly Tap[] = [],
  ): Promise<Record<string, Value>> {
    const { model, interventions } = this;
    const options = resident ? { resident } : {};
    if (interventions.length + taps.length === 0) {
      const program = await model.program(key, (decoder) => build(decoder, new Map()), options);
      return model.run(program, feeds);
    }
    const hook = new SiteHook(interventions, taps, tokens);
    const program = await model.program(
      `${key} ${this.key} ${JSON.stringify(taps)}`,
      (decoder) => ({ ...build(decoder, hook.read), ...hook.effects() }),
      { ...options, hook },
    );
    const out = await model.run(program, { ...feeds, ...this.vectors, ...masks(places(), tokens) });
    for (const [i, sums] of this.sums.entries()) {
      const parts = out[effectName(i)]?.data ?? [];
      for (const [part, sum] of parts.entries()) sums[part]! += sum;
    }
    return out;
  }

  /** Reports what the interventions did in this call. */
  report(): void {
    const effects = this.sums.map(([meant, all, change, norm]): InterventionEffect => {
      const mean = (sum: number) => (meant! > 0 ? sum / meant! : 0);
      return { activations: meant!, of: all!, change: mean(change!), norm: mean(norm!) };
    });
    if (effects.length > 0) this.options.onEffects?.(effects);
  }
}

const vectorName = (intervention: number) => `intervention.${intervention}.vector`;
const effectName = (intervention: number) => `intervention.${intervention}.effect`;
const maskName = (positions: Positions) => `tokens.${positions}`;
/** Activations that were meant, all that were there, Σ‖x' − x‖ and Σ‖x‖ over those meant. */
const effectParts = 4;

/** Acts and reads while one graph is written. */
class SiteHook implements Hook {
  private readonly interventions: readonly Intervention[];
  private readonly taps: readonly Tap[];
  private readonly tokens: number;
  private readonly inputs = new Map<string, Tensor>();
  private readonly changes: Tensor[][];
  /** What each tap reads, by `<tap>.<layer>`. */
  readonly read = new Map<string, Tensor>();

  constructor(interventions: readonly Intervention[], taps: readonly Tap[], tokens: number) {
    this.interventions = interventions;
    this.taps = taps;
    this.tokens = tokens;
    this.changes = interventions.map(() => []);
  }

  touches(layer: number): boolean {
    return [...this.interventions, ...this.taps].some(({ site }) =>
      site.layers.includes(site.at === "block-input" ? layer + 1 : layer),
    );
  }

  at(place: Place, x: Tensor): Tensor {
    let y = x;
    for (const [i, { site, positions, action }] of this.interventions.entries()) {
      if (!isAt(site, place)) continue;
      const vector = this.input(vectorName(i), [1, x.shape[1]]);
      const chosen = this.mask(positions);
      const change = ops.mul(chosen, changeOf(action.type, y, vector));
      this.changes[i].push(this.effect(chosen, y, change));
      y = ops.add(y, change);
    }
    const tapped = this.taps.flatMap(({ site }, t) => (isAt(site, place) ? [t] : []));
    // Modules that share an input each get their own, so that a gradient is that of the module alone.
    if (place.at === "linear-input" && tapped.some((t) => this.taps[t].read === "gradient")) {
      y = apply("reshape", [y], { shape: y.shape });
    }
    for (const t of tapped) this.read.set(`${t}.${place.layer}`, y);
    return y;
  }

  /** Outputs that say what each intervention did. */
  effects(): Record<string, Tensor> {
    return Object.fromEntries(
      this.changes.flatMap((parts, i) =>
        parts.length > 0 ? [[effectName(i), parts.reduce((sum, part) => ops.add(sum, part))]] : [],
      ),
    );
  }

  private effect(chosen: Tensor, x: Tensor, change: Tensor): Tensor {
    const length = (each: Tensor) => ops.sqrt(ops.sumSquare(each, [1], true));
    const total = (each: Tensor) => ops.reshape(ops.sum(each, [0, 1]), [1]);
    const parts = [chosen, this.mask("all"), length(change), ops.mul(chosen, length(x))];
    return ops.concat(parts.map(total), 0);
  }

  private mask(positions: Positions): Tensor {
    return this.input(maskName(positions), [this.tokens, 1]);
  }

  private input(name: string, shape: readonly number[]): Tensor {
    const tensor = this.inputs.get(name) ?? input(name, shape);
    this.inputs.set(name, tensor);
    return tensor;
  }
}

/** x' − x for every activation of x (N, w), given the action's vector (1, w), of length one where it is a direction. */
function changeOf(type: Intervention["action"]["type"], x: Tensor, vector: Tensor): Tensor {
  if (type === "add") return vector;
  return ops.neg(ops.mul(ops.sum(ops.mul(x, vector), [1], true), vector));
}

function isAt(site: Site, { at, layer, module }: Place): boolean {
  return site.at === at && site.layers.includes(layer) && (!("module" in site) || site.module === module);
}

function masks(places: TokenPlaces, tokens: number): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(places).map(([positions, chosen]) => {
      const mask = new Float32Array(tokens);
      for (const place of chosen) mask[place] = 1;
      return [maskName(positions as Positions), Value.of(mask, [tokens, 1])];
    }),
  );
}

function unit(direction: Float32Array): Float32Array {
  const length = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
  return direction.map((x) => x / length);
}
