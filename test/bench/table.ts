import { median } from "simple-statistics";

/** What was measured of one way of doing a task. */
export interface Timed {
  readonly title: string;
  readonly seconds: readonly number[];
  readonly peakBytes?: number;
  /** Seconds of loading the model and of the runs that are not counted, in which compilers work. */
  readonly warmUpSeconds?: number;
  /** How far its first result is from Discern's. */
  readonly difference?: number;
}

/** A task: Discern, and what else did the same. Seconds were taken by turns. */
export interface Measurement {
  readonly title: string;
  readonly ours: Timed;
  readonly others: readonly Timed[];
  /** What Discern means to reach against PyTorch's default, f32 without compiling. */
  readonly goal?: { against: string; speed: number; memory?: number };
}

/**
 * Two tables in Markdown, speed and memory, and in which tasks something else is faster. Seconds are medians with their
 * ranges; a speed-up is the median of the ratios of neighbours in time, above 1 where Discern is faster.
 */
export function tables(measurements: readonly Measurement[]): string {
  const others = [...new Set(measurements.flatMap((each) => each.others.map(({ title }) => title)))];
  const find = (each: Measurement, title: string) => each.others.find((other) => other.title === title);
  const speed = measurements.map((each) => [
    each.title,
    range(each.ours.seconds),
    ...others.flatMap((title) => {
      const other = find(each, title);
      if (!other || other.seconds.length === 0) return ["", ""];
      const reached =
        each.goal?.against === title ? goal(speedUp(each, other) >= each.goal.speed, each.goal.speed) : "";
      return [range(other.seconds), `${digits(speedUp(each, other))}×${reached}`];
    }),
  ]);
  const memory = measurements
    .filter(({ ours }) => ours.peakBytes)
    .map((each) => [
      each.title,
      gigabytes(each.ours.peakBytes),
      ...others.flatMap((title) => {
        const other = find(each, title);
        const share = other?.peakBytes ? (each.ours.peakBytes ?? 0) / other.peakBytes : null;
        const least = share && each.goal?.against === title ? each.goal.memory : undefined;
        const reached = share && least ? goal(share <= least, percent(least)) : "";
        const { warmUpSeconds } = other ?? {};
        return [
          gigabytes(other?.peakBytes) + (share ? ` (${percent(share)}${reached})` : ""),
          warmUpSeconds === undefined ? "" : digits(warmUpSeconds),
        ];
      }),
    ]);
  return [
    table(["task", "Discern, s", ...others.flatMap((title) => [`${title}, s`, "speed-up"])], speed),
    table(
      ["task", "Discern, GB", ...others.flatMap((title) => [`${title}, GB (Discern's share)`, "warm-up, s"])],
      memory,
    ),
    ...measurements.flatMap((each) =>
      each.others
        .filter((other) => other.seconds.length > 0 && speedUp(each, other) < 1)
        .map((other) => `${other.title} is faster: ${each.title}, ${digits(1 / speedUp(each, other))}×`),
    ),
  ].join("\n\n");
}

function speedUp({ ours }: Measurement, other: Timed): number {
  return median(other.seconds.map((seconds, i) => seconds / ours.seconds[i]!));
}

/** A table in Markdown. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

const goal = (reached: boolean, wanted: string | number) =>
  ` (goal ${wanted}${reached ? "" : ": not reached"})`;
const percent = (x: number) => `${Math.round(100 * x)} %`;
const gigabytes = (bytes?: number) => (bytes ? (bytes / 1e9).toFixed(2) : "");
/** A number to three digits. */
export const digits = (x: number) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));

function range(values: readonly number[]): string {
  if (values.length === 0) return "";
  const [low, middle, high] = [Math.min(...values), median([...values]), Math.max(...values)].map(digits);
  return `${middle} (${low}–${high})`;
}
