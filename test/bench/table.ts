import { median } from "simple-statistics";

/** What was measured of one task. Seconds of `ours` and `peer` were taken by turns. */
export interface Measurement {
  readonly title: string;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly oursPeakBytes?: number;
  readonly peerPeakBytes?: number;
  readonly goal?: { speed: number; memory?: number };
  readonly difference?: number;
}

const columns = ["task", "Discern, s", "PyTorch, s", "times as fast", "Discern, GB", "PyTorch, GB", "share"];

/** Medians with their ranges. The ratio is the median of the ratios of neighbours in time. */
export function table(measurements: readonly Measurement[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = measurements.map(({ title, ours, peer, oursPeakBytes, peerPeakBytes, goal }) => {
    const ratios = peer.map((seconds, i) => seconds / ours[i]);
    const speed = goal && ratios.length ? ` (goal ${goal.speed}${mark(median(ratios) >= goal.speed)})` : "";
    const share = oursPeakBytes && peerPeakBytes ? oursPeakBytes / peerPeakBytes : null;
    const least = share && goal?.memory ? ` (goal ${percent(goal.memory)}${mark(share <= goal.memory)})` : "";
    return line([
      title,
      range(ours),
      range(peer),
      range(ratios) + speed,
      gigabytes(oursPeakBytes),
      gigabytes(peerPeakBytes),
      (share ? percent(share) : "") + least,
    ]);
  });
  return [line(columns), line(columns.map(() => "---")), ...rows].join("\n");
}

const mark = (reached: boolean) => (reached ? "" : ": not reached");
const percent = (x: number) => `${Math.round(100 * x)} %`;
const gigabytes = (bytes?: number) => (bytes ? (bytes / 1e9).toFixed(2) : "");

function range(values: readonly number[]): string {
  if (values.length === 0) return "";
  const digits = (x: number) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));
  const [low, middle, high] = [Math.min(...values), median([...values]), Math.max(...values)].map(digits);
  return `${middle} (${low}–${high})`;
}
