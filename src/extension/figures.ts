import type { Estimate } from "../protocol/comovement.ts";

/** A probability with two digits and no leading zero, as it stands in papers: .62 */
export function probability(value: number): string {
  return value.toFixed(2).replace(/^(-?)0\./, "$1.");
}

/** A rate in percent. */
export function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

/** A rate before and after training; the latter alone where there is no other. */
export function change({ before, after }: { before?: number; after: number }): string {
  return before === undefined ? percent(after) : `${percent(before)} → ${percent(after)}`;
}

/** A value with its interval: .91 [.87, .95] */
export function estimate({ value, lower, upper }: Estimate): string {
  return `${probability(value)} [${probability(lower)}, ${probability(upper)}]`;
}

/** How long something takes, in its two largest units. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A size of memory or a file, in powers of ten: 12 kB, 240 MB, 1.6 GB */
export function byteSize(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
