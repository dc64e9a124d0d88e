import { headlineOf, type MeasureLine, measureLines } from "../../protocol/report/lines.ts";
import type { MeasureDefinition, MeasureRow } from "../../protocol/report/measures.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { counted, figure, interval } from "../../wording/numbers.ts";
import { styleOf } from "./arms.ts";
import {
  ArmShape,
  type Axis,
  AxisLabels,
  aurocAxis,
  type Mark,
  roomyAxis,
  shareAxis,
  Whisker,
} from "./whisker.tsx";

/** The axis that the numbers of a measure stand on. */
export function axisOf({ id, unit }: MeasureDefinition, marks: readonly Mark[]): Axis {
  if (id === "discernment") return aurocAxis;
  return unit === "share" ? shareAxis : roomyAxis(marks);
}

/** Every measure over all suites, a card each, with every method. */
export function Overview({ figures }: { figures: Figures }) {
  return (
    <div class="headlines">
      {measureLines(figures.measures, figures.judges).map((line) => (
        <MeasureCard key={line.key} line={line} methods={figures.methods} />
      ))}
    </div>
  );
}

function MeasureCard({ line, methods }: { line: MeasureLine; methods: Figures["methods"] }) {
  const { title, definition } = line;
  const found = methods.flatMap(({ id, name }) => {
    const row = headlineOf(line, id)?.row;
    if (row === undefined || row.estimate === null) return [];
    return [{ id, name, value: row.estimate, ...row.interval, basis: basisOf(row) }];
  });
  if (found.length === 0) return null;
  const axis = axisOf(definition, found);
  const bases = new Set(found.map(({ basis }) => basis));
  const { direction, unit, description } = definition;
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
      <dl>
        {found.map(({ id, name, basis, ...mark }) => (
          <div key={id} class="headline-row">
            <dt>
              <ArmShape style={styleOf(methods, id)} />
              <span>{name}</span>
            </dt>
            <dd class="plot" aria-hidden="true">
              <Whisker marks={[mark]} axis={axis} style={styleOf(methods, id)} />
            </dd>
            <dd class="value">
              <strong>{figure(mark.value, unit)}</strong>
              {mark.lower !== undefined && mark.upper !== undefined && (
                <small class="muted">{interval({ lower: mark.lower, upper: mark.upper }, unit)}</small>
              )}
              {bases.size > 1 && <small class="muted">{basis}</small>}
            </dd>
          </div>
        ))}
      </dl>
      <div class="headline-row" aria-hidden="true">
        <AxisLabels axis={axis} unit={unit} />
      </div>
      <p class="muted">
        {description} {bases.size === 1 && found[0]!.basis && `${found[0]!.basis}.`}
      </p>
    </section>
  );
}

/** What a number rests on, in words. */
function basisOf({ n, seed, undetermined }: MeasureRow): string {
  if (n === null) return "";
  if (seed === null) return counted(n, "seed");
  return undetermined ? `${counted(n, "prompt")}, ${undetermined} more undetermined` : counted(n, "prompt");
}
