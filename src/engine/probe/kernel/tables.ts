import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import type { KernelFigure, KernelFigures, kernelContract } from "../../../protocol/probe/kernel.ts";
import type { ProbeTable } from "../../../protocol/probe/result.ts";
import type { ProbeQuestion, ProbeRow } from "../definition.ts";
import { type KernelDesign, pairsBetween } from "./blocks.ts";

const column = (id: string, title: string, description: string, unit: string | null = null) => ({
  id,
  title,
  unit,
  description,
});
const common = [
  column("state", "State", "State of the model"),
  column("parameters", "Parameters", "`all` of θ, or θ `without head`"),
];

/** The data of the figures. */
export function kernelTables(
  figures: KernelFigures,
  prompts: readonly ProbeRow[],
  design: KernelDesign,
): ProbeTable[] {
  const kernels = figures.states.flatMap(({ state, kernel, withoutHead }) => [
    { state, parameters: "all", kernel },
    ...(withoutHead ? [{ state, parameters: "without head", kernel: withoutHead }] : []),
  ]);
  const own = figures.measured.map((i) => prompts[i]!);
  return [
    blockTable(kernels),
    controlTable(kernels),
    pairTable(kernels, own, design),
    ...shareTables(figures),
  ];
}

interface NamedKernel {
  readonly state: string;
  readonly parameters: string;
  readonly kernel: KernelFigure;
}

function blockTable(kernels: readonly NamedKernel[]): ProbeTable {
  const estimate = (id: string, title: string, description: string) => [
    column(id, title, description),
    column(`${id}_lower`, `${title}, lower`, "2.5 % quantile over resamples"),
    column(`${id}_upper`, `${title}, upper`, "97.5 % quantile over resamples"),
  ];
  return {
    id: "blocks",
    title: "Means within and between groups",
    columns: [
      ...common,
      column("between", "Between", "Groups of the two prompts; matched pairs stand apart"),
      column("pairs", "Pairs", "Pairs of two prompts"),
      ...estimate("norm", "Norm", "Mean ‖K(x′, x)‖_F"),
      ...estimate("ratio", "Ratio κ", "Mean ‖K(x′, x)‖_F / ‖K(x′, x′)‖_F"),
      ...estimate("symmetric", "Symmetric ratio", "Mean ‖K(x′, x)‖_F / √(‖K(x′, x′)‖_F ‖K(x, x)‖_F)"),
    ],
    rows: kernels.flatMap(({ state, parameters, kernel }) =>
      kernel.blocks.map(({ between, pairs, norm, ratio, symmetric }) => [
        state,
        parameters,
        between,
        pairs,
        ...[norm, ratio, symmetric].flatMap(({ value, lower, upper }) => [value, lower, upper]),
      ]),
    ),
  };
}

function controlTable(kernels: readonly NamedKernel[]): ProbeTable {
  return {
    id: "controls",
    title: "Contrasts beside chance",
    columns: [
      ...common,
      column(
        "statistic",
        "Statistic",
        "`contrast`: pairs within toxic and within seemingly toxic minus pairs across; `spill`: toxic × seemingly toxic minus toxic × general; `matched`: matched pairs",
      ),
      column("value", "Value", "Of the symmetric ratio"),
      column("chance", "Mean by chance", "Over shuffled labels, or permuted counterparts of matched pairs"),
      column("lower", "Chance, lower", "2.5 % quantile"),
      column("upper", "Chance, upper", "97.5 % quantile"),
      column("p", "p", "Share of the draws at least as far from 0; of matched pairs at least as high"),
    ],
    rows: kernels.flatMap(({ state, parameters, kernel }) =>
      (["contrast", "spill", "matched"] as const).flatMap((statistic) => {
        const found = kernel[statistic];
        if (!found) return [];
        const { value, chance } = found;
        return [[state, parameters, statistic, value, chance.mean, chance.lower, chance.upper, chance.p]];
      }),
    ),
  };
}

function pairTable(
  kernels: readonly NamedKernel[],
  prompts: readonly ProbeRow[],
  design: KernelDesign,
): ProbeTable {
  const between = new Map(
    [...pairsBetween(design)].flatMap(([name, pairs]) => pairs.map(([i, j]) => [`${i} ${j}`, name] as const)),
  );
  return {
    id: "pairs",
    title: "Pairs of prompts",
    columns: [
      ...common,
      column("probed", "Probed prompt x′", "Id"),
      column("trained", "Training prompt x", "Id"),
      column("between", "Between", "Groups of the two prompts; `itself` on the diagonal"),
      column("norm", "Norm", "‖K(x′, x)‖_F"),
      column("ratio", "Ratio κ", "‖K(x′, x)‖_F / ‖K(x′, x′)‖_F"),
      column("symmetric", "Symmetric ratio", "‖K(x′, x)‖_F / √(‖K(x′, x′)‖_F ‖K(x, x)‖_F)"),
    ],
    rows: kernels.flatMap(({ state, parameters, kernel }) =>
      prompts.flatMap((probed, i) =>
        prompts.map((trained, j) => [
          state,
          parameters,
          probed.id,
          trained.id,
          i === j ? "itself" : between.get(`${Math.min(i, j)} ${Math.max(i, j)}`)!,
          kernel.norm[i]![j]!,
          kernel.ratio[i]![j]!,
          kernel.symmetric[i]![j]!,
        ]),
      ),
    ),
  };
}

function shareTables({ states }: KernelFigures): ProbeTable[] {
  const share = column("share", "Share", "Mean ⟨K_part, K⟩_F / ‖K‖_F² over pairs; may be below 0");
  return [
    {
      id: "layers",
      title: "Shares by layer",
      columns: [
        column("state", "State", "State of the model"),
        column("layer", "Layer", "Empty outside the blocks"),
        share,
      ],
      rows: states.flatMap(({ state, layers }) => layers.map((each) => [state, each.layer, each.share])),
    },
    {
      id: "parts",
      title: "Shares by part",
      columns: [
        column("state", "State", "State of the model"),
        column("part", "Part", "Kind of parameters"),
        share,
      ],
      rows: states.flatMap(({ state, parts }) => parts.map((each) => [state, each.part, each.share])),
    },
  ];
}

/** What limits these figures. */
export function caveatsOf(
  { options, prompts, states }: ProbeQuestion<OptionsOf<typeof kernelContract>>,
  { measured, shared, relativeError }: KernelFigures,
): string[] {
  const hasHead = options.parameters === "all" || options.parameters === "last";
  const found = [
    "The kernel is that of the first answer token at one state: it says what an infinitesimal step moves, not what a whole training does.",
  ];
  if (options.logits === "top") {
    found.push(
      `It is the block over each prompt's ${options.top} most probable tokens at the first state, not over all logits.`,
    );
  } else {
    found.push(
      `Norms are estimates by ${options.probes} random probes a side, each with a relative standard error of at most about ${percent(relativeError!)}; the same probes serve all pairs, so errors of pairs go together.`,
    );
  }
  if (hasHead && shared !== null) {
    found.push(
      `The head's own term is only there for top tokens that two prompts share, ${percent(shared!)} of them on average: compare the figures without head.`,
    );
  }
  if (options.text === "template") {
    found.push(
      "All prompts share the template's tokens, whose gradients make all pairs alike to some degree.",
    );
  }
  if (options.parameters === "from" || options.parameters === "last") {
    found.push(
      "A contrastive stage freezes the blocks from ℓ on: a kernel of these changes only through what they read.",
    );
  }
  if (measured.length < prompts.length) {
    found.push(`${measured.length} of ${prompts.length} prompts are measured, drawn by the seed.`);
  }
  if (states.length > 1) {
    found.push(
      "Norms of different states are not on one scale where the size of activations changes; ratios are.",
    );
  }
  found.push(
    "Intervals are over prompts of one model and one seed; they do not cover the variance between trainings.",
  );
  return found;
}

const percent = (share: number) => `${Math.round(100 * share)} %`;
