import type { BoundFigures } from "../../../protocol/probe/bound.ts";
import type { ProbePrompt, ProbeTable } from "../../../protocol/probe/result.ts";

type Column = ProbeTable["columns"][number];

const column = (id: string, title: string, description: string, unit: string | null = null): Column => ({
  ...{ id, title, unit, description },
});
const state = column("state", "State", "State of the model");
const norm = (id: string, title: string, description: string) =>
  column(id, title, description, "squared gradient");

/** The figures as tables: by layer, by layer and groups, and by pair at ℓ. */
export function boundTables(figures: BoundFigures, prompts: readonly ProbePrompt[]): ProbeTable[] {
  return [layerTable(figures), blockTable(figures), pairTable(figures, prompts)];
}

function layerTable({ states }: BoundFigures): ProbeTable {
  return {
    id: "layers",
    title: "Constants of the bound, and how well features explain the kernel",
    columns: [
      state,
      column("layer", "ℓ", "Layer that splits the parameters"),
      norm("c", "c_ℓ", "Scale of the form in features"),
      column("tau", "τ_ℓ", "Largest norm of the Jacobian from ℓ on", "gradient"),
      norm("delta", "Δ", "Largest excess of the kernel before ℓ over its form in features"),
      column("r2", "R²", "Share of the kernel's variance over evaluated pairs that the form explains"),
      column("correlation", "Correlation", "Pearson correlation of the two"),
      column("inner", "R² of h′ᵀh", "The same share by a multiple of the inner product"),
      column(
        "permuted",
        "R², permuted",
        "The same share where features are other prompts': highest of the draws",
      ),
      column("carried", "R², carried over", "By the form of the first state, on features of this one"),
      column("tail_share", "Share of the tail", "Mean kernel from ℓ on over mean kernel"),
      column("tail_change", "Change of the tail", "Mean kernel from ℓ on over that at the first state"),
    ],
    rows: states.flatMap(({ state: name, layers }) =>
      layers.map(({ layer, c, tau, delta, fit, carried, tailShare, tailChange }) => [
        ...[name, layer, c, tau, delta, fit.r2, fit.correlation, fit.inner, fit.permuted.highest],
        ...[carried?.r2 ?? null, tailShare, tailChange],
      ]),
    ),
  };
}

function blockTable({ states }: BoundFigures): ProbeTable {
  return {
    id: "sides",
    title: "Both sides by layer and groups",
    columns: [
      state,
      column("layer", "ℓ", "Layer that splits the parameters"),
      column("between", "Between", "Groups of the pairs"),
      column("pairs", "Pairs", "How many are evaluated"),
      norm("left", "Left side", "Mean ‖K‖_F"),
      norm("features", "Form in features", "Mean c_ℓ h′ᵀQ_ℓh"),
      norm("cross", "Cross term", "Mean √c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F)"),
      norm("tail", "τ_ℓ²", "Term of the tail"),
      norm("delta", "Δ", "Residual"),
      norm("right", "Right side", "Sum of the four"),
      column("ratio", "Left over right", "Mean over the pairs; 1 where the bound is tight"),
      column(
        "without",
        "Above without Δ",
        "Share of pairs whose left side is above the right side without Δ",
      ),
      norm("trunk", "Kernel before ℓ", "Mean left side where the tail is frozen"),
      norm("frozen", "Right side, frozen", "Right side where the tail is frozen, τ_ℓ = 0"),
      norm("tail_kernel", "Kernel from ℓ on", "Mean ‖K‖_F of the parameters from ℓ on"),
    ],
    rows: states.flatMap(({ state: name, layers }) =>
      layers.flatMap(({ layer, between }) =>
        between.map((each) => [
          ...[name, layer, each.between, each.pairs, each.left, each.features, each.cross, each.tail],
          ...[
            each.delta,
            each.right,
            each.ratio.mean,
            each.without,
            each.trunk,
            each.frozen,
            each.tailKernel,
          ],
        ]),
      ),
    ),
  };
}

function pairTable({ states, layer }: BoundFigures, prompts: readonly ProbePrompt[]): ProbeTable {
  return {
    id: "pairs",
    title: `Both sides of each pair at layer ${layer}`,
    columns: [
      state,
      column("first", "First", "Id of a prompt"),
      column("first_group", "Its group", "toxic, seemingly_toxic or general"),
      column("second", "Second", "Id of the other"),
      column("second_group", "Its group", "toxic, seemingly_toxic or general"),
      column("matched", "Matched", "Whether the one is the other's counterpart"),
      norm("left", "Left side", "‖K‖_F"),
      norm("features", "Form in features", "c_ℓ h′ᵀQ_ℓh"),
      norm("cross", "Cross term", "√c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F)"),
      norm("right", "Right side", "The whole"),
      column("ratio", "Left over right", "1 where the bound is tight"),
    ],
    rows: states.flatMap(({ state: name, pairs }) =>
      pairs.map(({ first, second, matched, left, features, cross, right, ratio }) => {
        const [a, b] = [prompts[first]!, prompts[second]!];
        return [name, a.id, a.group, b.id, b.group, matched, left, features, cross, right, ratio];
      }),
    ),
  };
}
