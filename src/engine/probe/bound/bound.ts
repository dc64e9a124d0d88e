import { DiscernError } from "../../../protocol/errors.ts";
import { type BoundFigures, boundContract } from "../../../protocol/probe/bound.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import { type KernelPairs, kernelPairs } from "../../../protocol/probe/kernel.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { Backend, Features, GradientRow, ParameterScope, Tokens } from "../../backend/backend.ts";
import { gradientCost } from "../../backend/gradientPlan.ts";
import { defineMeasurement, type ProbeContext, type ProbeQuestion, type ProbeRow } from "../definition.ts";
import { drawnPrompts } from "../drawnPrompts.ts";
import { evaluatedGap } from "./gap.ts";
import {
  carriedOver,
  explained,
  type FeatureFit,
  fitFeatures,
  type PairSides,
  type Split,
  sidesOf,
  splitKernels,
} from "./sides.ts";
import { boundTables } from "./tables.ts";

type Options = OptionsOf<typeof boundContract>;
type StateFigures = BoundFigures["states"][number];
type LayerFigures = StateFigures["layers"][number];

/** Permutations of features for each layer: each is a fit of its own. */
const mostPermutations = 20;
/** Units of progress of one state: gradients take nearly all of it. */
const unitsPerState = 100;

/**
 * Both sides of the paper's inequality. Cost per state: a forward pass and `top` backward passes a prompt, and the products of all of
 * these gradients; features of all layers. `sides.ts` defines every term.
 */
export const bound = defineMeasurement(boundContract, {
  plan(question) {
    const { prompts, states, options, shape } = question;
    layerOf(question);
    const measured = measuredPrompts(question).map((i) => prompts[i]!.ids);
    const tokens = Array.from({ length: Math.min(options.top, shape.vocabularySize) }, (_, token) => token);
    const rows = logitRows(measured.map((ids) => ({ ids, tokens })));
    const cost = gradientCost(shape, rows, null, scopeOf(options));
    const own = measured.reduce((sum, { length }) => sum + length, 0);
    return {
      forwardPasses: states.length * (cost.forwardPasses + measured.length) + measured.length,
      backwardPasses: states.length * cost.backwardPasses,
      forwardTokens: states.length * (cost.forwardTokens + own) + own,
      backwardTokens: states.length * cost.backwardTokens,
      otherFlops: states.length * cost.productFlops,
      bytes: cost.bytes + 4 * measured.length * shape.hiddenSize * shape.layers,
    };
  },

  async measure(context) {
    const { prompts, states, options, seed, at, onProgress } = context;
    const layer = layerOf(context);
    const measured = measuredPrompts(context);
    const rows = measured.map((i) => prompts[i]!);
    const fitted = fittedPrompts(rows, seed);
    const evaluated = rows.flatMap((_, i) => (fitted.includes(i) ? [] : [i]));
    const orders = Array.from({ length: Math.min(options.draws, mostPermutations) }, (_, draw) =>
      shuffled(
        fitted.map((_, i) => i),
        stream(seed, "bound", "features", draw),
      ),
    );
    const found: StateFigures[] = [];
    const first: { tops: number[][]; fits: FeatureFit[]; tails: number[] } = {
      tops: [],
      fits: [],
      tails: [],
    };
    for (const [s, state] of states.entries()) {
      const { splits, features } = await at(state, async ({ backend }) => {
        if (s === 0) first.tops = await topTokens(backend, rows, options.top);
        return readState(context, backend, {
          texts: rows.map(({ ids }, i) => ({ ids, tokens: first.tops[i]! })),
          onShare: (share) => onProgress((s + share) * unitsPerState, states.length * unitsPerState),
        });
      });
      const layers: LayerFigures[] = [];
      let listed: { layer: number; sides: PairSides[] } | null = null;
      for (const [l, split] of splits.entries()) {
        context.check();
        const own = features.get(split.layer)!;
        const fit = fitFeatures(own, split.trunk, fitted, orders);
        const sides = sidesOf(split, fit.predicted, evaluated);
        if (s === 0) {
          first.fits.push(fit);
          first.tails.push(mean(sides.pairs.map(({ tailKernel }) => tailKernel)));
        }
        const carried = s === 0 ? null : carriedOver(first.fits[l]!, own);
        layers.push(layerFigures({ split, fit, sides, carried, rows, fitted, tailBefore: first.tails[l]! }));
        if (split.layer === layer) listed = { layer, sides: sides.pairs };
      }
      found.push({
        state: state.name,
        layers,
        ...pairFigures(listed!.sides, rows, measured, { draws: options.draws, seed }),
      });
    }
    const figures: BoundFigures = {
      ...{ layer, top: first.tops[0]!.length, parameters: options.parameters, measured },
      fitted: fitted.map((i) => measured[i]!),
      states: found,
    };
    return { figures, tables: boundTables(figures, prompts), caveats: caveatsOf(figures, evaluated.length) };
  },
});

/** ℓ of the pairs that are listed. @throws DiscernError `request-invalid` where no layer is on one of its sides. */
function layerOf({ options, shape, contrastLayer }: ProbeQuestion<Options>): number {
  const layer = options.layer ?? contrastLayer ?? Math.round(shape.layers / 2);
  if (layer >= 1 && layer < shape.layers) return layer;
  throw new DiscernError(
    "request-invalid",
    `layer: the model has ${shape.layers} layers, and the bound splits them before layer ${layer}. Name one from 1 to ${shape.layers - 1}.`,
  );
}

function scopeOf({ parameters }: Options): ParameterScope {
  const parts = ["linears", "biases", "norms"] as const;
  return {
    of: "weights",
    parts: parameters === "blocks" ? parts : [...parts, "embedding", "final-norm", "head"],
  };
}

function measuredPrompts({ prompts, options, seed }: ProbeQuestion<Options>): number[] {
  return drawnPrompts(prompts, options.perGroup, seed);
}

/** A row for each logit, text by text. */
function logitRows(texts: readonly { ids: Tokens; tokens: readonly number[] }[]): GradientRow[] {
  return texts.flatMap(({ ids, tokens }) =>
    tokens.map(
      (token): GradientRow => ({
        ids,
        promptLength: ids.length,
        scalar: { type: "logits", tokens: [token], weights: Float32Array.of(1) },
      }),
    ),
  );
}

/** The tokens whose logits are z(x) of each prompt, the most probable first. */
async function topTokens(backend: Backend, rows: readonly ProbeRow[], count: number): Promise<number[][]> {
  const found = await backend.nextTokens(rows.map(({ ids }) => ids));
  return rows.map((_, i) => {
    const logs = found.get(i)!;
    return Array.from(logs.keys())
      .sort((a, b) => logs[b]! - logs[a]!)
      .slice(0, count);
  });
}

/** The kernel split at every layer, and features at each. */
async function readState(
  { options, shape }: ProbeContext<Options>,
  backend: Backend,
  {
    texts,
    onShare,
  }: {
    texts: readonly { ids: Tokens; tokens: readonly number[] }[];
    onShare: (share: number) => void;
  },
): Promise<{ splits: Split[]; features: Map<number, Features> }> {
  const layers = Array.from({ length: shape.layers - 1 }, (_, i) => i + 1);
  const features = await backend.features(
    texts.map(({ ids }) => ids),
    { layers, pooling: "last" },
  );
  const products = await backend.gradientProducts(logitRows(texts), null, {
    scope: scopeOf(options),
    sums: "margins",
    onProgress: onShare,
  });
  return { splits: splitKernels(products, shape.layers, texts.length), features };
}

/**
 * Half of the prompts, group by group, drawn by the seed. Counterparts are on the same side, so that pairs of them can be evaluated.
 *
 * @returns indices into the rows.
 */
function fittedPrompts(rows: readonly ProbeRow[], seed: number): number[] {
  const units = Map.groupBy(rows.keys(), (i) => {
    const { pair, group } = rows[i]!;
    const both = pair !== undefined && rows.some((other) => other.pair === pair && other.group !== group);
    return both ? `pair ${pair}` : `prompt ${i}`;
  });
  const kindOf = (unit: readonly number[]) => (unit.length > 1 ? "matched" : rows[unit[0]!]!.group);
  const taken = new Map<string, number>();
  const fitted: number[] = [];
  const order = shuffled([...units.values()], stream(seed, "bound", "fitted"));
  for (const unit of order.sort((a, b) => b.length - a.length)) {
    const kind = kindOf(unit);
    const before = taken.get(kind) ?? 0;
    taken.set(kind, before + 1);
    // The first of each kind is evaluated, so that no group lacks there what it has here.
    if (before % 2 === 1) for (const each of unit) fitted.push(each);
  }
  return fitted.sort((a, b) => a - b);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const areMatched = (a: ProbeRow, b: ProbeRow) =>
  a.pair !== undefined && a.pair === b.pair && a.group !== b.group;

/** The block of a pair. */
function blockOf(a: ProbeRow, b: ProbeRow): KernelPairs {
  if (areMatched(a, b)) return "matched";
  const name = (x: ProbeRow, y: ProbeRow) => `${x.group} × ${y.group}`;
  return kernelPairs.find((each) => each === name(a, b) || each === name(b, a))!;
}

interface LayerParts {
  readonly split: Split;
  readonly fit: FeatureFit;
  readonly sides: ReturnType<typeof sidesOf>;
  readonly carried: FeatureFit["predicted"] | null;
  readonly rows: readonly ProbeRow[];
  readonly fitted: readonly number[];
  /** Mean kernel of the parameters from ℓ on at the first state. */
  readonly tailBefore: number;
}

function layerFigures({ split, fit, sides, carried, rows, fitted, tailBefore }: LayerParts): LayerFigures {
  const { tau, delta, pairs } = sides;
  const kernel = pairs.map(({ trunk }) => trunk);
  const by = (predicted: FeatureFit["predicted"]) =>
    explained(
      kernel,
      pairs.map(({ first, second }) => predicted.get(first, second)),
    );
  const permuted = fit.permuted.map((each) => by(each).r2);
  const tail = mean(pairs.map(({ tailKernel }) => tailKernel));
  return {
    ...{ layer: split.layer, c: fit.c, tau, delta },
    fit: {
      ...{ prompts: fitted.length, rank: fit.form.rank, ridge: fit.form.ridge },
      ...by(fit.predicted),
      inner: by(fit.inner).r2,
      permuted: { mean: mean(permuted), highest: greatestOf(permuted) },
    },
    carried: carried && by(carried),
    between: kernelPairs.flatMap((between) => {
      const own = pairs.filter(({ first, second }) => blockOf(rows[first]!, rows[second]!) === between);
      return own.length === 0 ? [] : [{ between, ...meansOf(own, tau, delta) }];
    }),
    tailShare: tail / mean(pairs.map(({ left }) => left)),
    tailChange: tail / tailBefore,
  };
}

function meansOf(own: readonly PairSides[], tau: number, delta: number) {
  const of = (value: (pair: PairSides) => number) => mean(own.map(value));
  const ratios = own.map(({ left, right }) => left / right);
  const features = of((pair) => pair.features);
  return {
    ...{ pairs: own.length, left: of(({ left }) => left), features, cross: of(({ cross }) => cross) },
    ...{ tail: tau ** 2, delta, right: of(({ right }) => right) },
    ratio: { mean: mean(ratios), lowest: leastOf(ratios), highest: greatestOf(ratios) },
    without: of(({ left, right }) => (left > right - delta ? 1 : 0)),
    ...{
      trunk: of(({ trunk }) => trunk),
      frozen: features + delta,
      tailKernel: of((pair) => pair.tailKernel),
    },
  };
}

/** The pairs at ℓ, and the gap between groups. */
function pairFigures(
  sides: readonly PairSides[],
  rows: readonly ProbeRow[],
  measured: readonly number[],
  chance: { draws: number; seed: number },
): Pick<StateFigures, "pairs" | "gaps"> {
  const groups = rows.map(({ group }) => group);
  const apart = sides.filter(({ first, second }) => !areMatched(rows[first]!, rows[second]!));
  const gap = (value: (pair: PairSides) => number) => evaluatedGap(apart, groups, value, chance);
  const [left, features, right] = [
    gap((pair) => pair.left),
    gap((pair) => pair.features),
    gap((pair) => pair.right),
  ];
  return {
    pairs: sides.map((pair) => ({
      first: measured[pair.first]!,
      second: measured[pair.second]!,
      matched: areMatched(rows[pair.first]!, rows[pair.second]!),
      ...{ left: pair.left, features: pair.features, cross: pair.cross },
      ...{ right: pair.right, ratio: pair.left / pair.right },
    })),
    gaps: left && features && right ? { left, features, right } : null,
  };
}

function caveatsOf({ states, layer, parameters }: BoundFigures, evaluated: number): string[] {
  const [before] = states;
  const last = states.at(-1)!;
  const at = last.layers.find((each) => each.layer === layer)!;
  const caveats = [
    "Δ is the largest excess of the kernel before ℓ over its form in features on the pairs that are evaluated, so the inequality holds for them " +
      "by its definition. What is measured is how large Δ and the other terms are.",
    "Freezing the tail sets τ_ℓ to 0 for what a stage trains, not for the parameters measured here. A kernel measured in the tail still moves with the " +
      "features that the tail reads, and safety tuning trains the tail again: see the kernel from ℓ on, and its change.",
  ];
  if (parameters === "blocks")
    caveats.push("Embeddings, final norm and head are left out of θ; parameters=all counts them, too.");
  if (at.fit.r2 !== null && at.fit.permuted.highest !== null && !(at.fit.r2 > at.fit.permuted.highest)) {
    caveats.push(
      `At layer ${layer} of ${last.state} the form in features explains no more of the kernel than where features belong to other prompts.`,
    );
  }
  if (evaluated < 12)
    caveats.push(
      `Only ${evaluated} prompts are evaluated: raise perGroup for means that hold for other prompts.`,
    );
  if (states.length > 1)
    caveats.push(`Logits are those of the most probable tokens at ${before!.state}, at every state.`);
  return caveats;
}
