import type { Features } from "../backend/backend.ts";

/** Mean cosine within the groups minus mean cosine across them; 2 at the most, 0 where the groups are mingled. */
export function separation(features: Features, labels: readonly string[]): number {
  const { count, width, data } = features;
  const rows = Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width));
  const norms = rows.map((row) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)) || 1);
  const sums = { within: 0, across: 0 };
  const counts = { within: 0, across: 0 };
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += rows[i][k] * rows[j][k];
      const kind = labels[i] === labels[j] ? "within" : "across";
      sums[kind] += dot / (norms[i] * norms[j]);
      counts[kind] += 1;
    }
  }
  return sums.within / Math.max(1, counts.within) - sums.across / Math.max(1, counts.across);
}
