import type { LayerFigure, LayerMeasureId } from "../../../protocol/probe/separability.ts";
import { categoryOf, type Folds, groupNumbers, stratifiedFolds } from "../../../statistics/folds.ts";
import { tQuantile } from "../../../statistics/studentT.ts";
import type { Backend, Features } from "../../backend/backend.ts";
import { centredSeparation, type Jackknifed } from "./cosineGap.ts";
import { type FoldAuroc, foldAuroc } from "./foldAuroc.ts";
import { type ContrastSource, contrastFolds, summary } from "./layerChoice.ts";
import {
  areFinite,
  type Design,
  designOf,
  type HeldOutScores,
  heldOutScores,
  type Separability,
  scored,
  transferScores,
} from "./linearProbe.ts";
import { Scattered } from "./scatter.ts";

/** A category with both labels, and probes that are trained and scored on it alone. */
interface CategoryDesign {
  readonly category: string;
  /** Its prompts among all. */
  readonly members: readonly number[];
  readonly design: Design;
}

/** Transfer prompts, and how they are scored. */
interface TransferDesign {
  /** Those that are scored, among the given ones. */
  readonly members: readonly number[];
  readonly prompts: readonly ContrastSource[];
  readonly folds: Folds;
  readonly leftOut: number;
}

/** All that is worked out of the prompts before features are known, once for all layers and states. */
export interface MeasurePlan {
  readonly prompts: readonly ContrastSource[];
  readonly design: Design;
  /** With one source held out at a time; null where not two sources hold both labels. */
  readonly sources: Design | null;
  readonly categories: readonly CategoryDesign[];
  readonly transfer: TransferDesign | null;
  /** λ among which one is chosen. */
  readonly strengths: readonly number[];
}

/** The measures of one feature set. */
export interface Measured {
  /** The probe whose strength is not chosen, by which `layer: "auto"` decides. */
  readonly fixed: Separability;
  /** The one whose strength is chosen inside. */
  readonly nested: Separability;
  readonly measures: Record<LayerMeasureId, LayerFigure | null>;
  /** AUROC within each category of the plan. */
  readonly categories: readonly number[];
}

/**
 * Plans the measures of a contrast.
 *
 * @param transfer prompts to which probes are carried over; those of which the contrast knows the words or the category are left out.
 * @throws DiscernError("group-too-small") when no two folds can hold both labels.
 */
export function measurePlan(
  prompts: readonly ContrastSource[],
  transfer: readonly ContrastSource[],
  { seed, strengths }: { readonly seed: number; readonly strengths: readonly number[] },
): MeasurePlan {
  const folds = contrastFolds(prompts, seed);
  return {
    prompts,
    design: designOf(prompts, folds, seed),
    sources: sourceDesign(prompts, folds, seed),
    categories: categoryDesigns(prompts, seed),
    transfer: transferDesign(prompts, transfer),
    strengths,
  };
}

/** Folds of one source each; a source of one label is trained on and never held out. */
function sourceDesign(prompts: readonly ContrastSource[], { groupOf, groups }: Folds, seed: number) {
  const bySource = [...Map.groupBy([...prompts.keys()], (i) => prompts[i]!.origin).values()];
  const hasBoth = (members: readonly number[]) => new Set(members.map((i) => prompts[i]!.label)).size === 2;
  const held = bySource.filter((members) => {
    const own = new Set(members);
    return hasBoth(members) && hasBoth([...prompts.keys()].filter((i) => !own.has(i)));
  });
  if (held.length < 2) return null;
  return designOf(prompts, { unit: "category", groupOf, groups, folds: held }, seed);
}

function categoryDesigns(prompts: readonly ContrastSource[], seed: number): CategoryDesign[] {
  const named = [...prompts.keys()].filter((i) => prompts[i]!.kind !== undefined);
  const byCategory = Map.groupBy(named, (i) => categoryOf(prompts[i]!.kind!));
  return [...byCategory].flatMap(([category, members]) => {
    const own = members.map((i) => {
      const { label, pair } = prompts[i]!;
      return { label, ...(pair !== undefined && { pair }) };
    });
    const folds = stratifiedFolds(own, seed);
    return folds === null ? [] : [{ category, members, design: designOf(own, folds, seed) }];
  });
}

function transferDesign(
  prompts: readonly ContrastSource[],
  given: readonly ContrastSource[],
): TransferDesign | null {
  const words = new Set(prompts.map(({ prompt }) => prompt.trim()));
  const known = new Set(prompts.flatMap(({ kind }) => (kind === undefined ? [] : categoryOf(kind))));
  const isNew = ({ prompt, kind }: ContrastSource) =>
    !words.has(prompt.trim()) && !(kind !== undefined && known.has(categoryOf(kind)));
  const members = [...given.keys()].filter((i) => isNew(given[i]!));
  const kept = members.map((i) => given[i]!);
  if (new Set(kept.map(({ label }) => label)).size < 2) return null;
  const byCategory = groupNumbers(kept, "category");
  const isOne = byCategory.every((group) => group === 0);
  const groupOf = isOne ? groupNumbers(kept, "pair") : byCategory;
  const folds: Folds = {
    unit: isOne ? "pair" : "category",
    groupOf,
    groups: new Set(groupOf).size,
    folds: [[...kept.keys()]],
  };
  return { members, prompts: kept, folds, leftOut: given.length - kept.length };
}

/**
 * Measures one feature set: those of a layer, or character n-grams.
 *
 * @param features (n + m, C): of the contrast's n prompts, then of the m transfer prompts where the plan has any.
 * @param check is asked between probes, and ends the work by throwing.
 */
export async function measureSet(
  backend: Backend,
  features: Features,
  plan: MeasurePlan,
  check: () => void,
): Promise<Measured> {
  const { design, sources, categories, transfer, strengths } = plan;
  if (!areFinite(features)) return notFinite(plan);
  const contrast = firstRows(features, plan.prompts.length);
  const scores = await heldOutScores(backend, contrast, design, strengths, check);
  const [fixed, nested] = [scored(scores.fixed, design), scored(scores.nested, design)];
  const { groups } = design.folds;
  const within = await withinCategories(backend, contrast, categories, check);
  const bySource =
    sources && scored((await heldOutScores(backend, contrast, sources, strengths, check)).nested, sources);
  const carried = transfer && (await carriedOver(backend, features, plan, transfer));
  return {
    fixed,
    nested,
    categories: within.aurocs,
    measures: {
      auroc: ofAuroc(nested, groups),
      sourceOut: bySource && ofAuroc(bySource, groups),
      transfer: carried && ofAuroc(carried, transfer.folds.groups),
      within: within.all && ofAuroc(within.all, categories.length),
      ...(await spread(backend, contrast, plan)),
    },
  };
}

async function withinCategories(
  backend: Backend,
  features: Features,
  categories: readonly CategoryDesign[],
  check: () => void,
) {
  const { length } = categories;
  if (length === 0) return { aurocs: [], all: null };
  const found: (CategoryDesign & { readonly scores: HeldOutScores["fixed"] })[] = [];
  for (const one of categories) {
    const { members, design } = one;
    const { fixed } = await heldOutScores(backend, rowsAt(features, members), design, [], check);
    found.push({ ...one, scores: fixed });
  }
  // All folds of all categories, with the category as the group of the jackknife.
  const groupOf = new Array<number>(features.count).fill(0);
  for (const [c, { members }] of found.entries()) for (const i of members) groupOf[i] = c;
  const folds: Folds = {
    unit: "category",
    groupOf,
    groups: length,
    folds: found.flatMap(({ members, design }) =>
      design.folds.folds.map((fold) => fold.map((k) => members[k]!)),
    ),
  };
  const all = found[0]!.design.labellings.map((_, d) => {
    const scores = new Float64Array(features.count);
    const labels = new Array<"toxic" | "seemingly_toxic">(features.count).fill("toxic");
    for (const { members, design, scores: own } of found) {
      for (const [k, i] of members.entries()) {
        scores[i] = own[d]![k]!;
        labels[i] = design.labellings[d]![k]!;
      }
    }
    return foldAuroc(scores, labels, folds);
  });
  return {
    aurocs: found.map(
      ({ design, scores }) => foldAuroc(scores[0]!, design.labellings[0]!, design.folds).auroc,
    ),
    all: { ...all[0]!, shuffled: all.slice(1).map(({ auroc }) => auroc) },
  };
}

async function carriedOver(
  backend: Backend,
  features: Features,
  { design, strengths }: MeasurePlan,
  { prompts, folds }: TransferDesign,
) {
  const labels = prompts.map(({ label }) => label);
  const found = (await transferScores(backend, features, design, strengths)).map((scores) =>
    foldAuroc(scores, labels, folds),
  );
  return { ...found[0]!, shuffled: found.slice(1).map(({ auroc }) => auroc) };
}

/** The measures that fit nothing: gap of cosines, Fisher ratio and silhouette. */
async function spread(
  backend: Backend,
  features: Features,
  { prompts, design: { labellings, folds } }: MeasurePlan,
): Promise<Pick<Measured["measures"], "gap" | "fisher" | "silhouette">> {
  const weights = new Float32Array(features.count).fill(1 / features.count);
  const kernel = { size: features.count, data: await backend.kernel(features, weights) };
  const scattered = new Scattered(kernel);
  const [labels, ...shuffled] = labellings;
  const origins = prompts.map(({ origin }) => origin);
  const hasSources = new Set(origins).size > 1;
  const sourceScatter = hasSources ? scattered.of(origins) : null;
  const own = scattered.withErrors(labels!, folds.groupOf);
  const drawn = shuffled.map((each) => ({
    ...scattered.of(each),
    gap: centredSeparation(features, each).value,
  }));
  const figure = (id: "gap" | "fisher" | "silhouette", found: Jackknifed, source: number | null) =>
    withInterval(
      found,
      folds.groups,
      drawn.map((each) => each[id]),
      ranges[id],
      source,
    );
  return {
    gap: figure(
      "gap",
      centredSeparation(features, labels!, folds.groupOf),
      hasSources ? centredSeparation(features, origins).value : null,
    ),
    fisher: figure("fisher", own.fisher, sourceScatter?.fisher ?? null),
    silhouette: figure("silhouette", own.silhouette, sourceScatter?.silhouette ?? null),
  };
}

/** What a measure can be. */
const ranges = {
  auroc: [0, 1],
  gap: [-2, 2],
  fisher: [0, Number.POSITIVE_INFINITY],
  silhouette: [-1, 1],
} as const;

function ofAuroc(found: FoldAuroc & { readonly shuffled: readonly number[] }, groups: number): LayerFigure {
  const { auroc: value, standardError } = found;
  return withInterval({ value, standardError }, groups, found.shuffled, ranges.auroc, null);
}

/** With the 95 % interval of Student's t, whose degrees of freedom are those of the jackknife's groups. */
function withInterval(
  { value, standardError }: Jackknifed,
  groups: number,
  shuffled: readonly number[],
  [least, most]: readonly [number, number],
  source: number | null,
): LayerFigure {
  const half = groups > 1 ? tQuantile(groups - 1) * standardError : Number.NaN;
  return {
    value,
    standardError,
    lower: Math.max(least, value - half),
    upper: Math.min(most, value + half),
    shuffled: summary(shuffled.filter(Number.isFinite)),
    source,
  };
}

function notFinite({ prompts, design, sources, categories, transfer }: MeasurePlan): Measured {
  const none = scored(null, design);
  const nothing: LayerFigure = {
    value: Number.NaN,
    standardError: Number.NaN,
    lower: Number.NaN,
    upper: Number.NaN,
    shuffled: { mean: Number.NaN, highest: Number.NaN },
    source: new Set(prompts.map(({ origin }) => origin)).size > 1 ? Number.NaN : null,
  };
  const ofProbe = { ...nothing, source: null };
  return {
    fixed: none,
    nested: none,
    categories: categories.map(() => Number.NaN),
    measures: {
      auroc: ofProbe,
      sourceOut: sources && ofProbe,
      transfer: transfer && ofProbe,
      within: categories.length > 0 ? ofProbe : null,
      ...{ gap: nothing, fisher: nothing, silhouette: nothing },
    },
  };
}

function firstRows({ data, width }: Features, count: number): Features {
  return { count, width, data: data.subarray(0, count * width) };
}

function rowsAt({ data, width }: Features, rows: readonly number[]): Features {
  const chosen = new Float32Array(rows.length * width);
  for (const [k, i] of rows.entries()) chosen.set(data.subarray(i * width, (i + 1) * width), k * width);
  return { count: rows.length, width, data: chosen };
}
