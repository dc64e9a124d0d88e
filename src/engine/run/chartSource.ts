import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The path of Chart.js as one script: beside the bundle, or in node_modules when run from the sources. */
export function chartSource(): string {
  const beside = join(import.meta.dirname, "chart.umd.js");
  if (existsSync(beside)) return beside;
  return createRequire(import.meta.url)
    .resolve("chart.js")
    .replace(/chart\.(c?js)$/, "chart.umd.js");
}
