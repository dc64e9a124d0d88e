import type { ProbeTable } from "../../../protocol/probe/result.ts";
import { layerMeasures, type SeparabilityFigures } from "../../../protocol/probe/separability.ts";

type Column = ProbeTable["columns"][number];

const state: Column = { id: "state", title: "State", unit: null, description: "State of the run" };
const layer: Column = {
  id: "layer",
  title: "Layer",
  unit: null,
  description: "ℓ: the number of layers computed; empty for character n-grams of the words",
};

/** The data of the figures as tables: every measure by layer with its nulls, the curve that ℓ is chosen by, and each category. */
export function separabilityTables({ states }: SeparabilityFigures): ProbeTable[] {
  return [
    {
      id: "measures",
      title: "Separability by layer",
      columns: [
        state,
        layer,
        { id: "measure", title: "Measure", unit: null, description: "What is measured" },
        { id: "value", title: "Value", unit: null, description: "AUROC, difference of cosines, or ratio" },
        {
          id: "se",
          title: "SE",
          unit: null,
          description: "Jackknife over categories, or pairs where those are held out",
        },
        { id: "lower", title: "95 % from", unit: null, description: "Lower end of the interval" },
        { id: "upper", title: "95 % to", unit: null, description: "Upper end of the interval" },
        {
          id: "shuffled_mean",
          title: "Shuffled labels, mean",
          unit: null,
          description: "Mean over the draws",
        },
        { id: "shuffled_highest", title: "Highest", unit: null, description: "Highest of the draws" },
        {
          id: "source",
          title: "Source labels",
          unit: null,
          description: "The same with sources in place of labels",
        },
      ],
      rows: states.flatMap(({ state: name, curve, surface }) =>
        [...curve, { layer: null, measures: surface }].flatMap(({ layer: at, measures }) =>
          layerMeasures.flatMap(({ id, title }) => {
            const found = measures[id];
            if (found === null) return [];
            const { value, standardError, lower, upper, shuffled, source } = found;
            return [
              [name, at, title, value, standardError, lower, upper, shuffled.mean, shuffled.highest, source],
            ];
          }),
        ),
      ),
    },
    {
      id: "choice",
      title: "The curve that ℓ is chosen by",
      columns: [
        state,
        layer,
        {
          id: "auroc",
          title: "AUROC",
          unit: null,
          description: "Probe of strength 1 on held-out categories",
        },
        { id: "se", title: "SE", unit: null, description: "Jackknife over what is held out" },
        {
          id: "pairs",
          title: "Pairs ranked right",
          unit: null,
          description: "Share of matched pairs whose toxic prompt scores higher",
        },
        {
          id: "shuffled_mean",
          title: "Shuffled labels, mean",
          unit: null,
          description: "Mean over the draws",
        },
        { id: "shuffled_highest", title: "Highest", unit: null, description: "Highest of the draws" },
        { id: "chosen", title: "Chosen", unit: null, description: "Whether it is the chosen layer" },
      ],
      rows: states.flatMap(({ state: name, choice }) =>
        choice.curve.map(({ layer: at, auroc, standardError, pairAccuracy, shuffled }) => [
          ...[name, at, auroc, standardError, pairAccuracy, shuffled.mean, shuffled.highest],
          at === choice.layer,
        ]),
      ),
    },
    {
      id: "categories",
      title: "Separability within each category",
      columns: [
        state,
        layer,
        { id: "category", title: "Category", unit: null, description: "Category of the prompts" },
        { id: "prompts", title: "Prompts", unit: "prompts", description: "Prompts of the category" },
        {
          id: "auroc",
          title: "AUROC",
          unit: null,
          description: "Probe trained and scored on the category alone",
        },
      ],
      rows: states.flatMap(({ state: name, categories, curve }) =>
        categories.flatMap(({ category, prompts, aurocs }) =>
          aurocs.map((auroc, i) => [name, curve[i]!.layer, category, prompts, auroc]),
        ),
      ),
    },
  ];
}
