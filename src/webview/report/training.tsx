import type { Estimate, SeriesPoint } from "../../protocol/comovement.ts";
import type { ArmSeries } from "../../protocol/report.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { figure, interval, probability, signed } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "./table.tsx";

const lines = [
  { key: "toxic", name: "toxic", class: "line-toxic" },
  { key: "seeminglyToxic", name: "seemingly toxic", class: "line-seeming" },
  { key: "general", name: "general", class: "line-general" },
] as const satisfies readonly { key: keyof SeriesPoint; name: string; class: string }[];

/** How refusal of the groups moved together during training; nothing where no run was probed. */
export function Training({ figures: { series } }: { figures: Figures }) {
  const probed = series.filter(({ points }) => points.length > 1);
  if (probed.length === 0) return null;
  const several = new Set(probed.map(({ seed }) => seed)).size > 1;
  const nameOf = ({ arm, seed }: ArmSeries) => (several ? `${arm}, seed ${seed}` : arm);
  return (
    <>
      <ul class="legend">
        {lines.map(({ name, class: style }) => (
          <li key={name}>
            <svg width="24" height="8" aria-hidden="true">
              <line class={style} x1="0" x2="24" y1="4" y2="4" />
            </svg>
            {name}
          </li>
        ))}
        <li class="muted">mean refusal probability of the panels, over steps</li>
      </ul>
      <div class="curves">
        {probed.map((one) => (
          <Curve key={nameOf(one)} name={nameOf(one)} series={one} />
        ))}
      </div>
      <SortableTable
        caption="Co-movement of toxic and seemingly toxic refusal during training"
        rows={probed.filter(({ comovement }) => comovement)}
        keyOf={nameOf}
        columns={[
          { id: "arm", title: "Run", sort: nameOf, cell: nameOf },
          {
            id: "points",
            title: "Probes",
            number: true,
            sort: ({ points }) => points.length,
            cell: ({ points, comovement }) => `${points.length}${comovement?.few ? " (few)" : ""}`,
          },
          estimates("levels", "r of levels", ({ comovement }) => comovement?.seeminglyToxic.levels.pearson),
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
      <p class="muted">
        β is how much the refusal of seemingly toxic prompts changes with that of toxic ones: 0 is decoupled,
        1 is full co-movement. The final gap is what lies between the two at the last probe.
      </p>
    </>
  );
}

function estimates(
  id: string,
  title: string,
  pick: (series: ArmSeries) => Estimate | null | undefined,
): Column<ArmSeries> {
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

const [WIDTH, HEIGHT] = [280, 120];

function Curve({ name, series: { points, stages } }: { name: string; series: ArmSeries }) {
  const steps = points.map(({ step }) => step);
  const [first, last] = [leastOf(steps), greatestOf(steps)];
  const x = (step: number) => ((step - first) / (last - first || 1)) * WIDTH;
  const y = (share: number) => (1 - share) * HEIGHT;
  const end = points.at(-1)!;
  const ends = lines.map(({ key, name: group }) => `${group} ${probability(end[key])}`).join(", ");
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <svg
        viewBox={`-2 -4 ${WIDTH + 4} ${HEIGHT + 8}`}
        role="img"
        aria-label={`${name}: at step ${last} refusal is ${ends}`}
      >
        {[0, 0.5, 1].map((share) => (
          <line key={share} class="grid" x1="0" x2={WIDTH} y1={y(share)} y2={y(share)} />
        ))}
        {stages?.slice(1).map(({ step }) => (
          <line key={step} class="reference" x1={x(step)} x2={x(step)} y1="0" y2={HEIGHT} />
        ))}
        {lines.map(({ key, class: style }) => (
          <polyline
            key={key}
            class={style}
            points={points
              .map((point) => `${x(point.step).toFixed(1)},${y(point[key]).toFixed(1)}`)
              .join(" ")}
          />
        ))}
      </svg>
      <small class="muted" aria-hidden="true">
        {`step ${last}: ${ends}`}
      </small>
    </figure>
  );
}
