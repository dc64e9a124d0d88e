import { chosenFigures, type LayerChoice } from "../../protocol/layerChoice.ts";
import type { Series } from "../../protocol/report/training.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { count, figure } from "../../wording/numbers.ts";
import { DataDetails } from "../ui/details.tsx";
import { type ChartLine, LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import { seriesTitles, styleOf } from "./runs.ts";

/** A series whose layer Discern chose, and its name. */
interface Choice extends LayerChoice {
  readonly name: string;
  readonly style: number;
}

/** The series whose layer was chosen. */
export function layerChoices({ methods, series }: Figures): Choice[] {
  const nameOf = seriesTitles(methods, series);
  return series.flatMap((one: Series) =>
    one.layerChoice ? [{ name: nameOf(one), style: styleOf(methods, one.method), ...one.layerChoice }] : [],
  );
}

/** How the layer of the contrastive stage was chosen: the curve with its standard errors, and the controls beside it. */
export function Layers({ choices }: { choices: readonly Choice[] }) {
  const layers = choices.flatMap(({ curve }) => curve.map(({ layer }) => layer));
  const lows = choices.flatMap(({ curve }) => curve.flatMap((each) => ends(each)?.lower ?? []));
  return (
    <>
      <p class="muted about">
        AUROC of a linear probe between toxic and seemingly toxic prompts of the contrast that it had not
        seen; the dashed line at 0.50 is chance. The chosen layer, the large mark, is the middle of those,
        among the first 80 %, within one standard error (SE) of the best. Controls: the mean with shuffled
        labels (dotted), and the highest of any draw and layer; the same probe on character n-grams; the
        source of a prompt alone.
      </p>
      <ul class="legend">
        {choices.map(({ name, style }) => (
          <li key={name}>
            <MethodShape style={style} />
            {name}
          </li>
        ))}
        <li class="muted">bars: one standard error; dotted: shuffled labels</li>
      </ul>
      <figure class="chart-wide">
        <LineChart
          label={`AUROC of the layer probes over the layers. ${choices.map(summary).join(" ")}`}
          x={{ title: "layer", from: leastOf(layers), to: greatestOf(layers) }}
          y={{ title: "AUROC", from: Math.min(0.4, Math.floor(leastOf([1, ...lows]) * 10) / 10), to: 1 }}
          lines={choices.flatMap(linesOf)}
          reference={0.5}
        />
      </figure>
      <SortableTable
        caption="The chosen layer and its controls"
        rows={choices}
        keyOf={({ name }) => name}
        columns={choiceColumns}
      />
      <DataDetails
        title="Every layer"
        rows={choices.flatMap(({ name, curve }) => curve.map((each) => ({ name, ...each })))}
        keyOf={({ name, layer }) => `${name} ${layer}`}
        columns={layerColumns}
      />
    </>
  );
}

function summary({ name, layer, ...choice }: Choice): string {
  return `${name}: layer ${layer}, AUROC ${figure(chosenFigures({ layer, ...choice })?.auroc)}.`;
}

type LayerFigures = LayerChoice["curve"][number];

function ends({ auroc, standardError }: LayerFigures): { lower: number; upper: number } | undefined {
  if (auroc === null) return undefined;
  return { lower: auroc - (standardError ?? 0), upper: auroc + (standardError ?? 0) };
}

function linesOf({ name, style, layer, curve }: Choice): ChartLine[] {
  const known = curve.flatMap((each) => (each.auroc === null ? [] : [{ ...each, auroc: each.auroc }]));
  return [
    {
      key: name,
      class: `method-line method-${style}`,
      shape: style,
      marks: "each",
      large: known.findIndex((each) => each.layer === layer),
      points: known.map((each) => ({ x: each.layer, y: each.auroc, ...ends(each) })),
    },
    {
      key: `${name} shuffled`,
      class: `method-line method-${style} dotted`,
      shape: style,
      points: curve.flatMap(({ layer: x, shuffled }) =>
        shuffled.mean === null ? [] : [{ x, y: shuffled.mean }],
      ),
    },
  ];
}

const withError = (
  found: { auroc: number | null; standardError: number | null } | null | undefined,
): string => (found ? `${figure(found.auroc)} (${figure(found.standardError)})` : "one source");

const choiceColumns: Column<Choice>[] = [
  { id: "method", title: "Method", sort: ({ name }) => name, cell: ({ name }) => name },
  {
    id: "layer",
    title: "Chosen layer",
    number: true,
    sort: ({ layer }) => layer,
    cell: ({ layer, curve }) => `${layer} of ${curve.length}`,
  },
  { id: "auroc", title: "AUROC (SE)", number: true, cell: (choice) => withError(chosenFigures(choice)) },
  {
    id: "held",
    title: "Held out",
    cell: ({ groups, heldOut, folds }) =>
      `${count(groups)} ${heldOut === "category" ? "categories" : "pairs and single prompts"} in ${folds} folds`,
  },
  {
    id: "shuffled",
    title: "Shuffled labels (highest)",
    number: true,
    cell: (choice) =>
      `${figure(chosenFigures(choice)?.shuffled.mean)} (${figure(choice.controls.shuffledBest)})`,
  },
  {
    id: "surface",
    title: "Character n-grams (SE)",
    number: true,
    cell: ({ controls }) => withError(controls.surface),
  },
  {
    id: "source",
    title: "Source alone (SE)",
    number: true,
    cell: ({ controls }) => withError(controls.source),
  },
];

const layerColumns: Column<LayerFigures & { name: string }>[] = [
  { id: "method", title: "Method", sort: ({ name }) => name, cell: ({ name }) => name },
  { id: "layer", title: "Layer", number: true, sort: ({ layer }) => layer, cell: ({ layer }) => layer },
  {
    id: "auroc",
    title: "AUROC (SE)",
    number: true,
    sort: ({ auroc }) => auroc ?? undefined,
    cell: (each) => withError(each),
  },
  {
    id: "pairs",
    title: "Pairs ranked right",
    number: true,
    sort: ({ pairAccuracy }) => pairAccuracy ?? undefined,
    cell: ({ pairAccuracy }) => figure(pairAccuracy, "share"),
  },
  {
    id: "shuffled",
    title: "Shuffled labels, mean",
    number: true,
    cell: ({ shuffled }) => figure(shuffled.mean),
  },
  { id: "highest", title: "Highest", number: true, cell: ({ shuffled }) => figure(shuffled.highest) },
];
