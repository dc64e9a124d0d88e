import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import { kernelContract } from "../../../protocol/probe/kernel.ts";
import type { ModelState } from "../../../protocol/probe/result.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import { normal, stream } from "../../../statistics/random.ts";
import type { GradientRow, GradientSum, ParameterScope, Scalar, Tokens } from "../../backend/backend.ts";
import { gradientCost } from "../../backend/gradientPlan.ts";
import { parameterShapes } from "../../model/architecture.ts";
import {
  defineMeasurement,
  type ProbeContext,
  type ProbeQuestion,
  type StateSession,
} from "../definition.ts";
import { drawnPrompts, matchedPairs } from "../drawnPrompts.ts";
import { type KernelDesign, kernelFigure } from "./blocks.ts";
import { norms, shareOf, summed } from "./norms.ts";
import { caveatsOf, kernelTables } from "./tables.ts";

type Options = OptionsOf<typeof kernelContract>;
type Question = ProbeQuestion<Options>;

/**
 * The empirical kernel of the first answer token's logits between prompts (METHODS §F). Cost a state and prompt: a forward pass and a
 * backward pass for each logit or random probe, and the products of all pairs.
 */
export const kernelBetweenPrompts = defineMeasurement(kernelContract, {
  plan(question) {
    const { options, shape, states, architecture } = question;
    const own = chosen(question);
    const scope = scopeOf(question, null);
    const scalars = (): Scalar[] =>
      Array.from({ length: perSide(options) * (options.logits === "random" ? 2 : 1) }, () => ({
        type: "logits",
        tokens: [0],
        weights: new Float32Array(1),
      }));
    const texts = textsOf(question, own);
    const rows = texts.flatMap((ids) => rowsOf(ids, scalars()));
    const cost = gradientCost({ ...shape, layers: architecture.layers }, rows, null, scope);
    const first = options.logits === "top" ? texts.reduce((sum, { length }) => sum + length, 0) : 0;
    return {
      forwardPasses: states.length * cost.forwardPasses + (first > 0 ? own.length : 0),
      backwardPasses: states.length * cost.backwardPasses,
      forwardTokens: states.length * cost.forwardTokens + first,
      backwardTokens: states.length * cost.backwardTokens,
      otherFlops: states.length * cost.productFlops,
      bytes: cost.bytes,
    };
  },

  async measure(context) {
    const { options, prompts, states, seed } = context;
    const measured = chosen(context);
    const design: KernelDesign = {
      groups: measured.map((i) => prompts[i]!.group),
      matched: matchedPairs(prompts, measured).map(([a, b]) => [measured.indexOf(a), measured.indexOf(b)]),
      draws: options.draws,
      seed,
    };
    const found: StateKernel[] = [];
    let asked: Asked | null = null;
    for (const [s, state] of states.entries()) {
      const { sums, count } = await context.at(state, async (session) => {
        asked ??= await questions(context, session, measured);
        const scope = scopeOf(context, { state, session });
        const { sums: all } = await session.backend.gradientProducts(asked.left, asked.right, {
          scope,
          sums: "margins",
          onProgress: (share) => context.onProgress(s + share, states.length),
        });
        return { sums: all, count: parametersIn(context, scope) };
      });
      context.check();
      found.push({ state: state.name, parameters: count, ...kernelsOf(context, sums, design) });
    }
    const { texts, tops } = asked!;
    const lengths = texts.map((ids) => ids.length);
    const figures = {
      measured,
      parameters: { of: parametersInWords(context), count: found[0]!.parameters },
      logits: logitsInWords(options),
      relativeError: options.logits === "random" ? 1 / Math.sqrt(options.probes) : null,
      tokens: {
        total: lengths.reduce((sum, length) => sum + length, 0),
        shortest: leastOf(lengths),
        longest: greatestOf(lengths),
      },
      shared: tops && sharedTokens(tops),
      states: found.map(({ parameters: _count, ...state }) => state),
    };
    return {
      figures,
      tables: kernelTables(figures, prompts, design),
      caveats: caveatsOf(context, figures),
    };
  },
});

type StateKernel = ReturnType<typeof kernelsOf> & { readonly state: string; readonly parameters: number };

/** The prompts that are measured, as indices, group by group. */
function chosen({ prompts, options, seed }: Question): number[] {
  const order = ["toxic", "seemingly_toxic", "general"];
  const place = (i: number) => order.indexOf(prompts[i]!.group);
  return drawnPrompts(prompts, options.perGroup, seed).sort((a, b) => place(a) - place(b) || a - b);
}

/** The texts behind which logits are read. */
const textsOf = ({ prompts, options }: Question, measured: readonly number[]): Tokens[] =>
  measured.map((i) => (options.text === "raw" ? prompts[i]!.alone : prompts[i]!.ids));

const perSide = ({ logits, top, probes }: Options) => (logits === "top" ? top : probes);

/** A row for each scalar of a text. */
const rowsOf = (ids: Tokens, scalars: readonly Scalar[]): GradientRow[] =>
  scalars.map((scalar) => ({ ids, promptLength: ids.length, scalar }));

interface Asked {
  readonly texts: readonly Tokens[];
  /** Top tokens of each text; null with random probes. */
  readonly tops: readonly (readonly number[])[] | null;
  readonly left: GradientRow[];
  readonly right: GradientRow[] | null;
}

/** What is asked at every state: fixed by the first one. */
async function questions(
  context: ProbeContext<Options>,
  session: StateSession,
  measured: readonly number[],
): Promise<Asked> {
  const { options, shape, seed } = context;
  const { backend } = session;
  const texts = textsOf(context, measured);
  if (options.logits === "random") {
    const probes = (side: string): Scalar[] =>
      Array.from({ length: options.probes }, (_, q) => {
        const drawn = normal(shape.vocabularySize, stream(seed, "kernel probe", side, q));
        const middle = options.centred ? drawn.reduce((sum, x) => sum + x, 0) / drawn.length : 0;
        return { type: "all-logits", weights: Float32Array.from(drawn, (x) => x - middle) };
      });
    // Two independent sets: one alone would bias the norm of a prompt's kernel with itself.
    const [left, right] = [probes("left"), probes("right")];
    return {
      texts,
      tops: null,
      left: texts.flatMap((ids) => rowsOf(ids, left)),
      right: texts.flatMap((ids) => rowsOf(ids, right)),
    };
  }
  const found = await backend.nextTokens(texts);
  const tops = texts.map((_, i) => highest(found.get(i)!, options.top));
  const left = texts.flatMap((ids, i) =>
    rowsOf(
      ids,
      tops[i]!.map((token) => ({ type: "logits", tokens: [token], weights: Float32Array.of(1) })),
    ),
  );
  return { texts, tops, left, right: null };
}

/** Tokens of the highest values, the first of equals first. */
function highest(values: Float32Array, count: number): number[] {
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
  return order.slice(0, count);
}

/** All figures of one state. */
function kernelsOf(
  { options, shape, architecture }: Question,
  sums: readonly GradientSum[],
  design: KernelDesign,
) {
  const n = design.groups.length;
  const each = Math.min(perSide(options), shape.vocabularySize);
  const isRandom = options.logits === "random";
  const byLayer = sums.filter(({ part }) => part === "all");
  const byPart = sums.filter(({ layer }) => layer === "all");
  const total = summed(n, each, byLayer, () => 1);
  // A tied head is the embedding.
  const heads = architecture.tiedEmbeddings ? ["head", "tied", "embedding"] : ["head"];
  const isHead = (sum: GradientSum) => heads.includes(sum.part);
  const without = byPart.some(({ part }) => part === "head")
    ? summed(n, each, byPart, (sum) => (isHead(sum) ? 0 : 1))
    : null;
  const figure = (products: typeof total) =>
    kernelFigure(
      norms(products, isRandom),
      design,
      isRandom
        ? (random) => {
            const weights = () => {
              const counts = new Float64Array(each);
              for (let i = 0; i < each; i++) counts[random(each)]!++;
              return counts;
            };
            return norms(products, true, [weights(), weights()]);
          }
        : null,
    );
  return {
    kernel: figure(total),
    withoutHead: without && figure(without),
    layers: byLayer
      .map(({ layer, products }) => ({
        layer: typeof layer === "number" ? layer : null,
        share: shareOf(products, total),
      }))
      .sort((a, b) => (a.layer ?? Number.POSITIVE_INFINITY) - (b.layer ?? Number.POSITIVE_INFINITY)),
    parts: byPart.map(({ part, products }) => ({ part, share: shareOf(products, total) })),
  };
}

/** The parameters θ. @param at null where no model is open, for what it costs. */
function scopeOf(
  question: Question,
  at: { readonly state: ModelState; readonly session: StateSession } | null,
): ParameterScope {
  const { options, shape, architecture } = question;
  const layers = Array.from({ length: shape.layers }, (_, layer) => layer);
  const parts = ["linears", "biases", "norms"] as const;
  const layer = layerOf(question);
  switch (options.parameters) {
    case "blocks":
      return { of: "weights", parts };
    case "all":
      return { of: "weights", parts: [...parts, "final-norm", "embedding", "head"] };
    case "below":
      return { of: "weights", layers: layers.slice(0, layer), parts };
    case "from":
      return { of: "weights", layers: layers.slice(layer), parts };
    case "last":
      if (options.last > shape.layers) {
        throw new DiscernError(
          "request-invalid",
          `last is ${options.last}; the model has ${shape.layers} layers.`,
        );
      }
      // A tied head is one tensor with the embedding: its gradient is that through both uses.
      return {
        of: "weights",
        layers: layers.slice(-options.last),
        parts: [...parts, "head", ...(architecture.tiedEmbeddings ? (["embedding"] as const) : [])],
      };
    case "adapter": {
      if (at === null) return { of: "adapter" };
      const learned = at.session.learned.at(-1);
      if (learned?.method === "lora") return { of: "adapter", adapter: learned.adapter };
      throw new DiscernError(
        "request-invalid",
        `parameters is "adapter", and the state ${at.state.name} has no adapter of its own. Name states of a stage that trains one, or other parameters.`,
      );
    }
  }
}

/** ℓ. @throws DiscernError("request-invalid") where nothing lies on one side of it. */
function layerOf({ options, shape, contrastLayer }: Question): number {
  const layer = options.layer ?? contrastLayer ?? Math.ceil(shape.layers / 2);
  if (layer < shape.layers || (options.parameters === "below" && layer === shape.layers)) return layer;
  throw new DiscernError(
    "request-invalid",
    `layer is ${layer}; the model has layers 0 to ${shape.layers - 1}.`,
  );
}

/** Numbers in θ. */
function parametersIn({ architecture }: Question, scope: ParameterScope): number {
  if (scope.of === "adapter") {
    const modules = [...(scope.adapter?.modules.values() ?? [])];
    return modules.reduce((sum, { a, b }) => sum + a.data.length + b.data.length, 0);
  }
  let count = 0;
  for (const [name, shape] of parameterShapes(architecture)) {
    const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
    const isIn =
      layer === undefined
        ? scope.parts.includes(outsidePart(name, architecture.tiedEmbeddings && scope.parts.includes("head")))
        : (scope.layers?.includes(Number(layer)) ?? true);
    if (isIn) count += shape.reduce((product, extent) => product * extent, 1);
  }
  return count;
}

/** @param asHead whether the embedding is the head, and that is in scope. */
function outsidePart(name: string, asHead: boolean): "final-norm" | "head" | "embedding" {
  if (name === "model.norm.weight") return "final-norm";
  return name === "lm_head.weight" || asHead ? "head" : "embedding";
}

function parametersInWords(question: Question): string {
  const layer = layerOf(question);
  switch (question.options.parameters) {
    case "blocks":
      return "all weights of the blocks";
    case "all":
      return "all weights";
    case "below":
      return `weights of blocks 0 to ${layer - 1}`;
    case "from":
      return `weights of blocks ${layer} to ${question.shape.layers - 1}`;
    case "last":
      return `weights of the last ${question.options.last} blocks and the head`;
    case "adapter":
      return "the adapter of the state's own stage";
  }
}

function logitsInWords({ logits, top, probes, centred }: Options): string {
  if (logits === "top") return `the ${top} most probable tokens of each prompt at the first state`;
  return `all logits, by ${probes} random probes on each side${centred ? ", centred" : ""}`;
}

/** Mean share of the top tokens that two texts have in common. */
function sharedTokens(tops: readonly (readonly number[])[]): number {
  let [sum, pairs] = [0, 0];
  for (const [i, one] of tops.entries()) {
    for (const other of tops.slice(i + 1)) {
      sum += one.filter((token) => other.includes(token)).length / one.length;
      pairs++;
    }
  }
  return sum / pairs;
}
