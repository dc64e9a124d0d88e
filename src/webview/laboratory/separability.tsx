import { useState } from "preact/hooks";
import {
  type LayerFigure,
  type LayerMeasure,
  layerMeasures,
  type separabilityContract,
} from "../../protocol/probe/separability.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { count, estimate, figure } from "../../wording/numbers.ts";
import { type ChartLine, LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof separabilityContract>;
type StateFigures = Figures["states"][number];

/** The curves of every measure over the layers, each with its interval and beside its nulls, and the proposed ℓ with its reason. */
export function Separability({ figures }: FigureProps<Figures>) {
  const { states, proposal, draws } = figures;
  const [at, setAt] = useState(0);
  const state = states[at]!;
  const present = layerMeasures.filter(({ id }) => state.curve.some(({ measures }) => measures[id] !== null));
  const probes = present.filter(({ unit }) => unit === "AUROC");
  const layers = state.curve.length;
  return (
    <>
      <p class="proposal">
        <strong>{proposal.reason}</strong>{" "}
        {proposal.nested !== null &&
          (proposal.nested === proposal.layer
            ? "With the strength of the probe chosen inside the rule gives the same layer."
            : `With the strength of the probe chosen inside the rule gives layer ${proposal.nested}.`)}{" "}
        A sweep over the layer shows how good the choice is.
      </p>
      <div class="figure-controls">
        <Scrubber states={states.map((each) => each.state)} chosen={at} onChoose={setAt} />
      </div>
      <p class="muted about">
        Bars are 95 % intervals by the jackknife; dotted lines are means over {draws} draws of shuffled
        labels. The large mark is the {at === 0 ? "proposed layer" : "layer proposed at the first state"}.{" "}
        {transferWords(figures)}
      </p>
      <ul class="legend">
        {probes.map(({ id, title }) => (
          <li key={id}>
            <MethodShape style={styleOf(id)} />
            {title}
          </li>
        ))}
      </ul>
      <figure class="chart-wide">
        <LineChart
          label={`AUROC of linear probes over the layers at ${state.state}. ${probes.map((each) => summary(each, state, proposal.layer)).join(" ")}`}
          x={{ title: "layer", from: 1, to: Math.max(2, layers) }}
          y={{ title: "AUROC", from: Math.min(0.4, lowest(state, probes)), to: 1 }}
          lines={probes.flatMap((measure) => linesOf(measure, state, proposal.layer))}
          reference={0.5}
        />
      </figure>
      <div class="curves">
        {present
          .filter(({ unit }) => unit !== "AUROC")
          .map((measure) => (
            <Curve key={measure.id} {...{ measure, state }} layer={proposal.layer} />
          ))}
      </div>
      <h3>
        At layer {proposal.layer}, beside the controls, at {state.state}
      </h3>
      <SortableTable
        caption={`Measures at layer ${proposal.layer} and their controls`}
        rows={present.map((measure) => ({ measure, state, layer: proposal.layer }))}
        keyOf={({ measure }) => measure.id}
        columns={columns}
      />
      <Categories {...{ state }} layer={proposal.layer} />
    </>
  );
}

const styles: Readonly<Record<string, number>> = { auroc: 2, sourceOut: 1, transfer: 3, within: 4 };

function styleOf(id: string): number {
  return styles[id] ?? 2;
}

function transferWords({ transfer }: Figures): string {
  if (transfer === null) return "No prompts were given to carry probes over to.";
  return `Probes are carried over to ${count(transfer.prompts)} prompts of ${transfer.sources.join(", ")}, of categories that the contrast does not have.`;
}

function summary({ id, title }: LayerMeasure, { curve }: StateFigures, layer: number): string {
  return `${title}: ${figure(curve.find((each) => each.layer === layer)?.measures[id]?.value)} at layer ${layer}.`;
}

function lowest({ curve }: StateFigures, measures: readonly LayerMeasure[]): number {
  const found = curve.flatMap((each) => measures.map(({ id }) => each.measures[id]?.lower ?? 0.5));
  return Math.max(0, Math.floor(leastOf(found) * 10) / 10);
}

function linesOf({ id }: LayerMeasure, { curve }: StateFigures, chosen: number): ChartLine[] {
  const style = styleOf(id);
  const known = curve.flatMap(({ layer, measures }) => {
    const found = measures[id];
    return found === null || found.value === null ? [] : [{ layer, found, value: found.value }];
  });
  const line = (name: string, value: (found: LayerFigure) => number | null, dash: string): ChartLine => ({
    key: `${id} ${name}`,
    class: `method-line method-${style} ${dash}`,
    shape: style,
    points: known.flatMap(({ layer, found }) => {
      const y = value(found);
      return y === null ? [] : [{ x: layer, y }];
    }),
  });
  return [
    {
      key: id,
      class: `method-line method-${style}`,
      shape: style,
      marks: "each",
      large: known.findIndex(({ layer }) => layer === chosen),
      points: known.map(({ layer, value, found: { lower, upper } }) => ({
        ...{ x: layer, y: value },
        ...(lower !== null && upper !== null && { lower, upper }),
      })),
    },
    line("shuffled", ({ shuffled }) => shuffled.mean, "dotted"),
    ...(known.some(({ found }) => found.source !== null)
      ? [line("source", ({ source }) => source, "dashed")]
      : []),
  ];
}

/** One measure that is no AUROC, on a scale of its own. */
function Curve({ measure, state, layer }: { measure: LayerMeasure; state: StateFigures; layer: number }) {
  const found = state.curve.flatMap(({ measures }) => measures[measure.id] ?? []);
  const values = found.flatMap(({ value, lower, upper, source, shuffled }) =>
    [value, lower, upper, source, shuffled.mean].filter((x) => x !== null),
  );
  const hasSources = found.some(({ source }) => source !== null);
  const [from, to] = [leastOf([0, ...values]), greatestOf([0.01, ...values])];
  return (
    <figure>
      <figcaption>{measure.title}</figcaption>
      <LineChart
        label={`${measure.title} over the layers at ${state.state}. ${summary(measure, state, layer)}`}
        x={{ title: "layer", from: 1, to: Math.max(2, state.curve.length) }}
        y={{ title: measure.unit === "number" ? "silhouette" : measure.unit, from, to }}
        lines={linesOf(measure, state, layer)}
        {...(measure.chance === null ? {} : { reference: measure.chance })}
      />
      <p class="muted">
        {measure.description}.{hasSources && " Dashed: the same with sources in place of labels."}
      </p>
    </figure>
  );
}

interface Row {
  readonly measure: LayerMeasure;
  readonly state: StateFigures;
  readonly layer: number;
}

const at = ({ measure: { id }, state, layer }: Row) =>
  state.curve.find((each) => each.layer === layer)?.measures[id];

const columns: Column<Row>[] = [
  {
    id: "measure",
    title: "Measure",
    cell: ({ measure }) => <span class="two-lines">{measure.title}</span>,
  },
  {
    id: "value",
    title: "Value, 95 % CI",
    number: true,
    cell: (row) => withInterval(at(row)),
  },
  { id: "shuffled", title: "Shuffled labels", number: true, cell: (row) => figure(at(row)?.shuffled.mean) },
  { id: "highest", title: "Highest draw", number: true, cell: (row) => figure(at(row)?.shuffled.highest) },
  { id: "source", title: "Source labels", number: true, cell: (row) => figure(at(row)?.source) },
  {
    id: "surface",
    title: "Character n-grams",
    number: true,
    cell: ({ measure, state }) => withInterval(state.surface[measure.id]),
  },
  {
    id: "alone",
    title: "Source alone",
    number: true,
    cell: ({ measure, state }) =>
      measure.id === "auroc" ? figure(state.choice.controls.source?.auroc) : "–",
  },
];

function withInterval(found: LayerFigure | null | undefined): string {
  if (!found || found.value === null) return figure(null);
  const { value, lower, upper } = found;
  return estimate({ value, ...(lower !== null && upper !== null && { lower, upper }) });
}

function Categories({ state: { categories, curve }, layer }: { state: StateFigures; layer: number }) {
  const place = curve.findIndex((each) => each.layer === layer);
  if (categories.length === 0) return null;
  return (
    <>
      <h3>Within each category</h3>
      <SortableTable
        caption={`Separability within each category at layer ${layer}`}
        rows={categories}
        keyOf={({ category }) => category}
        columns={[
          {
            id: "category",
            title: "Category",
            sort: ({ category }) => category,
            cell: ({ category }) => category,
          },
          {
            id: "prompts",
            title: "Prompts",
            number: true,
            sort: ({ prompts }) => prompts,
            cell: ({ prompts }) => count(prompts),
          },
          {
            id: "auroc",
            title: "AUROC",
            number: true,
            sort: ({ aurocs }) => aurocs[place] ?? undefined,
            cell: ({ aurocs }) => figure(aurocs[place]),
          },
        ]}
      />
    </>
  );
}
