import { greatestOf } from "../../../statistics/extremes.ts";
import type { Point } from "../../ui/plotSpec.ts";
import type { RunSeries, StageSeries } from "./runSeries.ts";

type Kind = StageSeries["kind"];

/** A stage of a run over its global steps: after `start`, up to `end`. */
interface Span {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
}

/** Room for a stage on the axis that runs share. */
export interface Column {
  readonly kind: Kind;
  readonly start: number;
  readonly width: number;
}

/**
 * One axis of steps for several runs, on which stages of the same kind begin at the same place: the safety-tuning steps of STL
 * stand under those of DCR → STL, not under its contrastive stage. Of runs with the same stages it is their own steps.
 */
export class Timeline {
  readonly columns: readonly Column[];
  /** Whether the steps of any run stand elsewhere than at their own number. */
  readonly isAligned: boolean;
  private readonly spans: ReadonlyMap<RunSeries, readonly (Span & { readonly shift: number })[]>;

  constructor(runs: readonly RunSeries[]) {
    const spans = runs.map(spansOf);
    const kinds = spans.reduce<readonly Kind[]>(
      (all, own) =>
        merged(
          all,
          own.map(({ kind }) => kind),
        ),
      [],
    );
    const places = spans.map((own) => placesIn(kinds, own));
    let start = 0;
    this.columns = kinds.map((kind, column) => {
      const widths = spans.map((own, run) => {
        const span = own[places[run]!.indexOf(column)];
        return span ? span.end - span.start : 0;
      });
      const width = Math.max(0, greatestOf(widths));
      start += width;
      return { kind, start: start - width, width };
    });
    this.spans = new Map(
      runs.map((run, i) => [
        run,
        spans[i]!.map((span, k) => ({ ...span, shift: this.columns[places[i]![k]!]!.start - span.start })),
      ]),
    );
    this.isAligned = [...this.spans.values()].some((own) => own.some(({ shift }) => shift !== 0));
  }

  /** Where a global step of a run stands. The last step of a stage belongs to it, and step 0 to the first stage. */
  at(run: RunSeries, step: number): number {
    const spans = this.spans.get(run) ?? [];
    const span = spans.find(({ end }) => step <= end) ?? spans.at(-1);
    return step + (span?.shift ?? 0);
  }

  /** By how much each stage of a run is moved. */
  shiftsOf(run: RunSeries): readonly number[] {
    return (this.spans.get(run) ?? []).map(({ shift }) => shift);
  }

  /** The stage that a place lies in, and the step within it. */
  within(place: number): { readonly kind: Kind; readonly step: number } | null {
    const column = this.columns.find(({ start, width }) => place <= start + width) ?? this.columns.at(-1);
    return column ? { kind: column.kind, step: place - column.start } : null;
  }

  /** Marks of an axis that counts each stage anew, at whole steps. */
  ticks({ min, max }: { readonly min: number; readonly max: number }): { value: number; label: string }[] {
    const every = niceStep((max - min) / 8);
    return this.columns.flatMap(({ start, width }, i) => {
      const isLast = i === this.columns.length - 1;
      const count = Math.floor(width / every) + 1;
      return (
        Array.from({ length: count }, (_, k) => ({ value: start + k * every, label: String(k * every) }))
          .filter(({ value }) => value >= min && value <= max)
          // The first mark of the next stage stands there.
          .filter(({ value }) => isLast || value < start + width - every / 2)
      );
    });
  }
}

/** The stages of a run as it was planned, and as they were where they are over or under way. */
function spansOf({ started, stages }: RunSeries): Span[] {
  const plan = started?.stages ?? [];
  let at = 0;
  return Array.from({ length: Math.max(plan.length, stages.length) }, (_, i) => {
    const start = stages[i]?.start ?? at;
    const last = stages[i]?.loss.at(-1)?.x ?? start;
    const end = stages[i + 1]?.start ?? Math.max(last, start + (plan[i]?.steps ?? 0));
    at = end;
    return { kind: stages[i]?.kind ?? plan[i]!.type, start, end };
  });
}

/** The columns of a run's stages, each as late as the ones after it allow: safety tuning ends most runs. */
function placesIn(kinds: readonly Kind[], spans: readonly Span[]): number[] {
  const places: number[] = [];
  let column = kinds.length - 1;
  for (const { kind } of spans.toReversed()) {
    while (kinds[column] !== kind) column--;
    places.unshift(column--);
  }
  return places;
}

/** The shortest list that holds both in their order. */
function merged(a: readonly Kind[], b: readonly Kind[]): Kind[] {
  if (a.length === 0 || b.length === 0) return [...a, ...b];
  if (a[0] === b[0]) return [a[0]!, ...merged(a.slice(1), b.slice(1))];
  const [first, second] = [merged(a.slice(1), b), merged(a, b.slice(1))];
  return first.length <= second.length ? [a[0]!, ...first] : [b[0]!, ...second];
}

/** The least of 1, 2, 5, 10, 20, … that is not below a length. */
function niceStep(length: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, length)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= length) ?? 1;
}

interface Moved {
  readonly key: string;
  readonly line: Point[];
  last: Point | undefined;
}

/** Lines moved to where their steps stand on a timeline; they grow with the lines they are of. */
export class AlignedLines {
  private readonly lines = new WeakMap<readonly { x: number }[], Moved>();

  of<Each extends { x: number }>(
    points: readonly Each[],
    timeline: Timeline,
    run: RunSeries,
  ): readonly Each[] {
    const shifts = timeline.shiftsOf(run);
    if (shifts.every((shift) => shift === 0)) return points;
    const key = shifts.join(" ");
    let kept = this.lines.get(points);
    // A line that was cut back and grew again has another point in this place.
    if (kept?.key !== key || (kept.last as unknown) !== points[kept.line.length - 1]) {
      kept = { key, line: [], last: undefined };
      this.lines.set(points, kept);
    }
    for (const point of points.slice(kept.line.length)) {
      kept.line.push({ ...(point as unknown as Point), x: timeline.at(run, point.x) });
    }
    kept.last = points.at(-1) as unknown as Point | undefined;
    return kept.line as unknown as readonly Each[];
  }
}
