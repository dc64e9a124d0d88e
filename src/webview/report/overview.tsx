import { headlineOf, type MeasureLine, measureLines } from "../../protocol/report/lines.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import { isOverlapping } from "../../protocol/report/training.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { counted, figure, interval } from "../../wording/numbers.ts";
import { OverlapMark } from "../ui/overlapMark.tsx";
import { AxisLabels, axisFor, type Mark, MethodShape, Whisker } from "../ui/whisker.tsx";
import { styleOf } from "./runs.ts";

/** Every measure over all suites: a card for each group of prompts, with every method, as every judge sees it. */
export function Overview({ figures }: { figures: Figures }) {
  const lines = measureLines(figures.measures, figures.judges);
  const cards = Map.groupBy(lines, ({ definition, group }) => `${definition.id} ${group}`);
  return (
    <div class="headlines">
      {[...cards].map(([key, judged]) => (
        <MeasureCard key={key} lines={judged} figures={figures} />
      ))}
    </div>
  );
}

/** What one method comes to. */
interface Found extends Mark {
  readonly id: string;
  readonly name: string;
  readonly basis: string;
  readonly overlaps: boolean;
}

function MeasureCard({ lines, figures }: { lines: readonly MeasureLine[]; figures: Figures }) {
  const { methods } = figures;
  const judged = lines
    .map((line) => ({ line, found: foundIn(line, figures) }))
    .filter(({ found }) => found.length > 0);
  const [first] = judged;
  if (first === undefined) return null;
  const { title, definition } = first.line;
  const { direction, unit, description } = definition;
  const all = judged.flatMap(({ found }) => found);
  const axis = axisFor(definition, all);
  const bases = new Set(all.map(({ basis }) => basis));
  return (
    <section class="headline" aria-label={title}>
      <h3>
        {title}
        {direction !== "none" && (
          <span class="direction">
            <span
              class={`codicon codicon-arrow-${direction === "higher" ? "up" : "down"}`}
              aria-hidden="true"
            />
            {direction} is better
          </span>
        )}
      </h3>
      {judged.map(({ line, found }) => (
        <div key={line.key}>
          {judged.length > 1 && <h4 class="muted">{line.by}</h4>}
          <dl>
            {found.map(({ id, name, basis, overlaps, ...mark }) => (
              <div key={id} class="headline-row">
                <dt>
                  <MethodShape style={styleOf(methods, id)} />
                  <span>{name}</span>
                </dt>
                <dd class="plot" aria-hidden="true">
                  <Whisker marks={[mark]} axis={axis} style={styleOf(methods, id)} />
                </dd>
                <dd class="value">
                  <strong>
                    {figure(mark.value, unit)}
                    {overlaps && <OverlapMark />}
                  </strong>
                  {mark.lower !== undefined && mark.upper !== undefined && (
                    <small class="muted">{interval({ lower: mark.lower, upper: mark.upper }, unit)}</small>
                  )}
                  {bases.size > 1 && <small class="muted">{basis}</small>}
                </dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
      <div class="headline-row" aria-hidden="true">
        <AxisLabels axis={axis} unit={unit} />
      </div>
      <p class="muted">
        {description} {bases.size === 1 && all[0]!.basis && `${all[0]!.basis}.`}
      </p>
    </section>
  );
}

function foundIn(line: MeasureLine, figures: Figures): Found[] {
  return figures.methods.flatMap(({ id, name }) => {
    const row = headlineOf(line, id)?.row;
    if (row === undefined || row.estimate === null) return [];
    return [
      {
        id,
        name,
        value: row.estimate,
        ...row.interval,
        basis: basisOf(row),
        overlaps: isOverlapping(figures, row),
      },
    ];
  });
}

/** What a number rests on, in words. */
function basisOf({ n, seed, undetermined }: MeasureRow): string {
  if (n === null) return "";
  if (seed === null) return counted(n, "seed");
  return undetermined ? `${counted(n, "prompt")}, ${undetermined} more undetermined` : counted(n, "prompt");
}
