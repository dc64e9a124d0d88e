import type { CostPart, MethodCost } from "../../protocol/report/benchmark.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Spent } from "../../protocol/spent.ts";
import { tokenPace } from "../../protocol/telemetry.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { byteSize, count, duration, operations } from "../../wording/numbers.ts";
import { measured, number } from "../ui/columns.ts";
import { DataDetails } from "../ui/details.tsx";
import type { Column } from "../ui/table.tsx";

/** What every run took: time by what it was at, floating-point operations, memory. */
export function Costs({ costs, figures: { methods } }: { costs: readonly MethodCost[]; figures: Figures }) {
  const nameOf = (id: string) => methodName(methods, id);
  const parts = [...new Set(costs.flatMap((cost) => cost.parts.map(({ part }) => part)))];
  const trained = parts.filter((part) =>
    costs.some((cost) => partOf(cost, part)?.tokensPerSecond !== undefined),
  );
  const stages = costs.flatMap(({ method, seed, parts: own }) =>
    own.map((part): StageRow => ({ method: nameOf(method), seed, part })),
  );
  const services = stages.flatMap((stage) =>
    (stage.part.services ?? []).map((spent): ServiceRow => ({ ...stage, spent })),
  );
  const columns: Column<MethodCost>[] = [
    {
      id: "method",
      title: "Method",
      sort: ({ method }) => nameOf(method),
      cell: ({ method, on }) => `${nameOf(method)}${on === undefined ? "" : ` (on ${nameOf(on)})`}`,
    },
    number("seed", "Seed", ({ seed }) => seed),
    measured("all", "All", ({ parts: own }) => own.reduce((sum, { seconds }) => sum + seconds, 0), duration),
    ...parts.map((part) => measured(part, part, (cost: MethodCost) => partOf(cost, part)?.seconds, duration)),
    measured("tuning", "Tuning", ({ tuningSeconds }) => tuningSeconds, duration),
    measured("flops", "FLOPs", (cost) => totalOf(cost, "flops"), operations),
    measured("peak", "Peak memory", (cost) => totalOf(cost, "peakBytes"), byteSize),
    ...(costs.some((cost) => totalOf(cost, "devicePeakBytes") !== undefined)
      ? [
          measured(
            "device",
            "Peak GPU memory",
            (cost: MethodCost) => totalOf(cost, "devicePeakBytes"),
            byteSize,
          ),
        ]
      : []),
    ...trained.map((part) =>
      measured(
        `${part}-pace`,
        `${part}, pace`,
        (cost: MethodCost) => partOf(cost, part)?.tokensPerSecond,
        (pace) => (pace === undefined ? "–" : tokenPace(pace)),
      ),
    ),
  ];
  return (
    <>
      <p class="muted about">
        Time by what a run was at, without reading the model; a method on another also costs what that one
        does. Floating-point operations are those of training, of the passes by which steering is fitted, and
        of answers and scores.
      </p>
      <DataDetails
        title="Costs of every run"
        columns={columns}
        rows={costs}
        keyOf={({ method, seed }) => `${method} ${seed}`}
      />
      <DataDetails
        title="Costs by stage"
        columns={stageColumns(stages)}
        rows={stages}
        keyOf={({ method, seed, part }) => `${method} ${seed} ${part.part}`}
      />
      {services.length > 0 && (
        <DataDetails
          title="Services"
          columns={serviceColumns(services)}
          rows={services}
          keyOf={({ method, seed, part, spent }) => `${method} ${seed} ${part.part} ${spent.service}`}
        />
      )}
    </>
  );
}

interface StageRow {
  readonly method: string;
  readonly seed: number;
  readonly part: CostPart;
}

interface ServiceRow extends StageRow {
  readonly spent: Spent;
}

function placeColumns<R extends StageRow>(): Column<R>[] {
  return [
    { id: "method", title: "Method", sort: ({ method }) => method, cell: ({ method }) => method },
    number("seed", "Seed", ({ seed }) => seed),
    { id: "stage", title: "Stage", sort: ({ part }) => part.part, cell: ({ part }) => part.part },
  ];
}

function stageColumns(rows: readonly StageRow[]): Column<StageRow>[] {
  return [
    ...placeColumns<StageRow>(),
    measured("time", "Time", ({ part }) => part.seconds, duration),
    measured("flops", "FLOPs", ({ part }) => part.flops ?? undefined, operations),
    measured("peak", "Peak memory", ({ part }) => part.peakBytes ?? undefined, byteSize),
    ...(rows.some(({ part }) => part.devicePeakBytes !== undefined)
      ? [measured("device", "Peak GPU memory", ({ part }: StageRow) => part.devicePeakBytes, byteSize)]
      : []),
  ];
}

/** What services were asked: requests, tokens and money, and what was on disk and is not among them. */
function serviceColumns(rows: readonly ServiceRow[]): Column<ServiceRow>[] {
  return [
    ...placeColumns<ServiceRow>(),
    {
      id: "service",
      title: "Service",
      sort: ({ spent }) => spent.service,
      cell: ({ spent }) => spent.service,
    },
    number("requests", "Requests", ({ spent }) => spent.requests),
    number("in", "Tokens in", ({ spent }) => spent.promptTokens),
    number("out", "Tokens out", ({ spent }) => spent.completionTokens),
    ...(rows.some(({ spent }) => spent.unreported > 0)
      ? [
          number(
            "unreported",
            "Requests without reported tokens",
            ({ spent }: ServiceRow) => spent.unreported,
          ),
        ]
      : []),
    measured(
      "cost",
      "Cost",
      ({ spent }) => spent.cost ?? undefined,
      (cost) => cost?.toFixed(4) ?? "–",
    ),
    measured(
      "known",
      "Verdicts on disk, not paid",
      ({ spent }) => spent.known,
      (known) => (known === undefined ? "–" : count(known)),
    ),
  ];
}

function partOf({ parts }: MethodCost, part: string): CostPart | undefined {
  return parts.find((one) => one.part === part);
}

/** The sum of operations, or the most memory, over what a run was at; undefined where it is not known of any. */
function totalOf({ parts }: MethodCost, key: "flops" | "peakBytes" | "devicePeakBytes"): number | undefined {
  const known = parts.flatMap((part) => part[key] ?? []);
  if (known.length === 0) return undefined;
  return key === "flops" ? known.reduce((sum, each) => sum + each, 0) : greatestOf(known);
}

/** What a report says that its runs cost: those of a benchmark, or the one run that it is of. */
export function costsOf({ benchmark, run, answers }: Figures): readonly MethodCost[] {
  if (benchmark !== undefined) return benchmark.costs;
  const last = answers.at(-1);
  const parts = run?.costs ?? [];
  return last === undefined || parts.length === 0 ? [] : [{ method: last.method, seed: last.seed, parts }];
}
