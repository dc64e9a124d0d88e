import type { CostPart, MethodCost } from "../../protocol/report/benchmark.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { byteSize, counted, duration, operations } from "../../wording/numbers.ts";
import { table } from "./markdownText.ts";

/** What every run of a benchmark cost, altogether and by stage; "" where that is not known. */
export function costsSection(found: readonly MethodCost[], nameOf: (id: string) => string): string {
  if (found.length === 0) return "";
  const parts = [...new Set(found.flatMap(({ parts: own }) => own.map(({ part }) => part)))];
  const rows = found.map(({ method, seed, on, parts: own, tuningSeconds }) => {
    const flops = own.flatMap((part) => part.flops ?? []);
    const peaks = own.flatMap((part) => part.peakBytes ?? []);
    return [
      `${nameOf(method)}${on === undefined ? "" : ` (on ${nameOf(on)})`}`,
      `${seed}`,
      ...parts.map((part) => duration(own.find((one) => one.part === part)?.seconds)),
      duration(own.reduce((sum, { seconds }) => sum + seconds, 0)),
      operations(flops.length === 0 ? undefined : flops.reduce((sum, each) => sum + each, 0)),
      byteSize(peaks.length === 0 ? null : greatestOf(peaks)),
      duration(tuningSeconds),
    ];
  });
  const stages = [
    byPart(found, nameOf, "Floating-point operations by stage", ({ flops }) => flops, operations),
    byPart(found, nameOf, "Peak memory by stage", ({ peakBytes }) => peakBytes, byteSize),
    byPart(found, nameOf, "Peak GPU memory by stage", ({ devicePeakBytes }) => devicePeakBytes, byteSize),
  ];
  return [
    "## Costs",
    "Time by what a run was at, without reading the model; a method on another also costs what that one does. Floating-point operations are those of training, of the passes by which steering is fitted, and of answers and scores.",
    table(["method", "seed", ...parts, "all", "FLOPs", "peak memory", "tuning"], rows),
    ...stages.filter((section) => section !== ""),
    ...servicesTable(
      found.map((cost) => [[nameOf(cost.method), `${cost.seed}`], cost.parts]),
      ["method", "seed"],
    ),
  ].join("\n\n");
}

/** One figure of what every run was at, in a column for each part of which it is known of some run; "" where it is known of none. */
function byPart(
  found: readonly MethodCost[],
  nameOf: (id: string) => string,
  title: string,
  of: (part: CostPart) => number | null | undefined,
  words: (value: number | undefined) => string,
): string {
  const own = found.flatMap(({ parts }) => parts.filter((part) => of(part) != null));
  const names = [...new Set(own.map(({ part }) => part))];
  if (names.length === 0) return "";
  const rows = found.map(({ method, seed, parts }) => [
    nameOf(method),
    `${seed}`,
    ...names.map((name) => {
      const part = parts.find((one) => one.part === name);
      return words((part && of(part)) ?? undefined);
    }),
  ]);
  return `### ${title}\n\n${table(["method", "seed", ...names], rows)}`;
}

/** What services behind endpoints were asked, by what they did; nothing where none was. @param runs cells that name a run, and its costs */
export function servicesTable(
  runs: readonly (readonly [name: readonly string[], parts: readonly CostPart[]])[],
  heads: readonly string[],
): string[] {
  const rows = runs.flatMap(([name, parts]) =>
    parts.flatMap(({ part, services = [] }) =>
      services.map((spent) => [
        ...name,
        part,
        spent.service,
        `${spent.requests}`,
        `${spent.promptTokens}`,
        `${spent.completionTokens}${spent.unreported > 0 ? ` (not reported of ${counted(spent.unreported, "request")})` : ""}`,
        spent.cost === null ? "–" : spent.cost.toFixed(4),
        spent.answers === undefined ? "–" : `${spent.known ?? 0} of ${spent.answers}`,
      ]),
    ),
  );
  if (rows.length === 0) return [];
  const header = [
    ...heads,
    "stage",
    "service",
    "requests",
    "tokens in",
    "tokens out",
    "cost",
    "on disk, not paid",
  ];
  return [`### Services\n\n${table(header, rows)}`];
}
