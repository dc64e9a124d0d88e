import type { Estimate, SeriesPoint } from "../../protocol/comovement.ts";
import type { Series } from "../../protocol/report/training.ts";
import type { RunResultsRequest } from "../../protocol/webview/laboratory.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { count, figure, interval, probability, signed } from "../../wording/numbers.ts";
import { greedyOrSampled } from "../../wording/refusal.ts";
import { stageWords } from "../../wording/stages.ts";
import { OfferSampledRate } from "../laboratory/sampledRate.tsx";
import { DataDetails } from "../ui/details.tsx";
import { LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { seriesTitles } from "./runs.ts";
import { Trails } from "./trails.tsx";

const groups = [
  { key: "toxic", name: "toxic", class: "line-toxic", shape: 0 },
  { key: "seeminglyToxic", name: "seemingly toxic", class: "line-seeming", shape: 2 },
  { key: "general", name: "general", class: "line-general", shape: 1 },
] as const satisfies readonly { key: keyof SeriesPoint; name: string; class: string; shape: number }[];

/** How refusal of the groups moved together during training; nothing where no run was probed. */
export function Training({
  figures,
  onLaboratory,
}: {
  figures: Figures;
  /** Asks about results of the laboratory; null in a report that is a file. */
  onLaboratory: ((request: RunResultsRequest) => void) | null;
}) {
  const { series, methods } = figures;
  const probed = series.filter(({ points }) => points.length > 1);
  if (probed.length === 0) return null;
  const nameOf = seriesTitles(methods, probed);
  return (
    <>
      <p class="muted about">
        Where the curves of toxic and seemingly toxic prompts rise together, refusal follows the form of a
        prompt; where only the toxic one rises, it follows its meaning. {greedyOrSampled}
      </p>
      {onLaboratory && <OfferSampledRate ask={onLaboratory} />}
      <ul class="legend">
        {groups.map(({ name, class: style }) => (
          <li key={name}>
            <svg width="24" height="8" class={style} aria-hidden="true">
              <line class="chart-line" x1="0" x2="24" y1="4" y2="4" />
            </svg>
            {name}
          </li>
        ))}
        <li class="muted">mean refusal probability of the monitored prompts</li>
      </ul>
      <div class="curves">
        {probed.map((one) => (
          <Curve key={nameOf(one)} name={nameOf(one)} series={one} />
        ))}
      </div>
      <Trails figures={figures} />
      <SortableTable
        caption="Co-movement of toxic and seemingly toxic refusal during training"
        rows={probed.filter(({ comovement }) => comovement)}
        keyOf={nameOf}
        columns={[
          { id: "method", title: "Method", sort: nameOf, cell: nameOf },
          {
            id: "points",
            title: "Probes",
            number: true,
            sort: ({ points }) => points.length,
            cell: ({ points, comovement }) => `${points.length}${comovement?.few ? " (few)" : ""}`,
          },
          estimates("levels", "r of levels", ({ comovement }) => comovement?.seeminglyToxic.levels.pearson),
          estimates(
            "levelRank",
            "ρ of levels",
            ({ comovement }) => comovement?.seeminglyToxic.levels.spearman,
          ),
          estimates(
            "changes",
            "r of changes",
            ({ comovement }) => comovement?.seeminglyToxic.differences.pearson,
          ),
          estimates(
            "rank",
            "ρ of changes",
            ({ comovement }) => comovement?.seeminglyToxic.differences.spearman,
          ),
          estimates("spill", "Spill-over β", ({ comovement }) => comovement?.seeminglyToxic.spillOver),
          {
            id: "gap",
            title: "Final gap",
            number: true,
            sort: ({ comovement }) => comovement?.seeminglyToxic.finalGap,
            cell: ({ comovement }) => comovement && signed(comovement.seeminglyToxic.finalGap),
          },
        ]}
      />
      <p class="muted about">
        r and ρ are Pearson and Spearman correlations, of the levels or of their first differences (changes),
        with block-bootstrap intervals. The spill-over slope β is how much the refusal of seemingly toxic
        prompts changes with that of toxic ones: 0 is decoupled, 1 is full co-movement. The final gap is the
        difference between the two at the last probe.
      </p>
      <DataDetails
        title="Correlation of changes by lag"
        rows={probed.filter(({ comovement }) => comovement)}
        keyOf={nameOf}
        columns={[{ id: "method", title: "Method", sort: nameOf, cell: nameOf }, ...lagColumns(probed)]}
      />
      <DataDetails
        title="Every probe"
        rows={probed.flatMap((one) => one.points.map((point) => ({ name: nameOf(one), ...point })))}
        keyOf={({ name, step }) => `${name} ${step}`}
        columns={probeColumns}
      />
    </>
  );
}

function estimates(
  id: string,
  title: string,
  pick: (series: Series) => Estimate | null | undefined,
): Column<Series> {
  return {
    id,
    title,
    number: true,
    sort: (series) => pick(series)?.value,
    cell: (series) => {
      const found = pick(series);
      if (!found) return "–";
      return (
        <>
          {figure(found.value)}
          <small class="muted block">{interval(found)}</small>
        </>
      );
    },
  };
}

/** r of the toxic changes with the seemingly toxic ones so many probes later, a column for each lag. */
function lagColumns(series: readonly Series[]): Column<Series>[] {
  const lagsOf = ({ comovement }: Series) => comovement?.seeminglyToxic.lags ?? [];
  const known = [...new Set(series.flatMap((one) => lagsOf(one).map(({ lag }) => lag)))].sort(
    (a, b) => a - b,
  );
  return known.map((lag) => {
    const pick = (one: Series) => lagsOf(one).find((each) => each.lag === lag)?.correlation;
    return {
      id: `lag ${lag}`,
      title: `lag ${count(lag)}`,
      number: true,
      sort: (one) => pick(one) ?? undefined,
      cell: (one) => figure(pick(one)),
    };
  });
}

function Curve({ name, series: { points, stages } }: { name: string; series: Series }) {
  const steps = points.map(({ step }) => step);
  const [first, last] = [leastOf(steps), greatestOf(steps)];
  const end = points.at(-1)!;
  const ends = groups.map(({ key, name: group }) => `${group} ${probability(end[key])}`).join(", ");
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <LineChart
        label={`${name}: at step ${count(last)} refusal is ${ends}`}
        x={{ title: "step", from: first, to: last }}
        y={{ title: "refusal probability", from: 0, to: 1 }}
        stages={stages?.map(({ kind, step }) => ({ x: step, name: stageWords[kind].short })) ?? []}
        lines={groups.map(({ key, class: style, shape }) => ({
          key,
          class: style,
          shape,
          points: points.map((point) => ({ x: point.step, y: point[key] })),
          large: points.length - 1,
        }))}
      />
    </figure>
  );
}

const probeColumns: Column<SeriesPoint & { name: string }>[] = [
  { id: "method", title: "Method", sort: ({ name }) => name, cell: ({ name }) => name },
  { id: "step", title: "Step", number: true, sort: ({ step }) => step, cell: ({ step }) => count(step) },
  ...groups.map(
    ({ key, name }): Column<SeriesPoint & { name: string }> => ({
      id: key,
      title: capitalised(name),
      number: true,
      sort: (point) => point[key],
      cell: (point) => probability(point[key]),
    }),
  ),
];

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
