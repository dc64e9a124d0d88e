import { useMemo } from "preact/hooks";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import type { ReliabilityBin } from "../../statistics/calibration.ts";
import { count, figure, percent } from "../../wording/numbers.ts";
import { DataDetails } from "../ui/details.tsx";
import { ReliabilityPlot, reliabilityWords } from "../ui/reliability.tsx";
import type { Column } from "../ui/table.tsx";
import type { Row } from "./answers/rows.ts";
import { reliabilities } from "./methodCurves.ts";
import { lineClass, MethodLegend, useHidden } from "./methodLegend.tsx";
import { styleOf } from "./runs.ts";

interface BinRow extends ReliabilityBin {
  readonly method: string;
  readonly seed: number;
}

/** Whether any answers were sampled, so that there is something to be calibrated against. */
export function isSampled(rows: readonly Row[]): boolean {
  return rows.some(({ answers }) => answers.some((answer) => (answer?.result.sampled?.length ?? 0) > 0));
}

/** The refusal probability of every method against the share of its sampled answers that refuse. */
export function Calibration({ figures, rows }: { figures: Figures; rows: readonly Row[] }) {
  const found = useMemo(() => reliabilities(figures, rows), [figures, rows]);
  const [hidden, toggle] = useHidden();
  const { methods } = figures;
  const shown = found.filter(({ method }) => !hidden.has(method));
  const nameOf = (method: string) => methodName(methods, method);
  return (
    <>
      <p class="muted about">{reliabilityWords}</p>
      <div class="trails">
        <figure>
          <ReliabilityPlot
            lines={shown.map(({ method, seed, bins }) => ({
              key: `${method} ${seed}`,
              name: `${nameOf(method)}, seed ${seed}`,
              class: lineClass(methods, method),
              shape: styleOf(methods, method),
              bins,
            }))}
          />
        </figure>
        <MethodLegend
          {...{ figures, hidden }}
          shown={new Set(found.map(({ method }) => method))}
          onToggle={toggle}
        />
      </div>
      <DataDetails
        title="Every bin"
        rows={found.flatMap(({ method, seed, bins }) =>
          bins.map((bin): BinRow => ({ ...bin, method: nameOf(method), seed })),
        )}
        keyOf={({ method, seed, probability }) => `${method} ${seed} ${probability}`}
        columns={binColumns}
      />
    </>
  );
}

const binColumns: Column<BinRow>[] = [
  { id: "method", title: "Method", sort: ({ method }) => method, cell: ({ method }) => method },
  { id: "seed", title: "Seed", number: true, sort: ({ seed }) => seed, cell: ({ seed }) => seed },
  {
    id: "prompts",
    title: "Prompts",
    number: true,
    sort: ({ prompts }) => prompts,
    cell: ({ prompts }) => count(prompts),
  },
  {
    id: "probability",
    title: "Refusal probability",
    number: true,
    sort: ({ probability }) => probability,
    cell: ({ probability }) => figure(probability),
  },
  {
    id: "refused",
    title: "Sampled answers that refuse",
    number: true,
    sort: ({ refused }) => refused,
    cell: ({ refused }) => percent(refused),
  },
];
