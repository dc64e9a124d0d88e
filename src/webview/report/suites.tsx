import type { GroupSummary } from "../../protocol/report.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { count, interval } from "../../wording/numbers.ts";
import { type Cell, Pivot } from "./pivot.tsx";
import { SafetyTag } from "./safety.tsx";
import type { Column } from "./table.tsx";
import { aurocAxis, shareAxis } from "./whisker.tsx";

interface GroupRow {
  readonly suite: string;
  readonly kind: string;
  readonly unsafe: boolean;
  readonly n: number;
}

const suiteColumn: Column<GroupRow> = {
  id: "suite",
  title: "Suite",
  sort: ({ suite }) => suite,
  cell: ({ suite }) => suite,
};
const kindColumn: Column<GroupRow> = {
  id: "kind",
  title: "Kind",
  sort: ({ kind }) => kind,
  cell: ({ kind }) => kind,
};
const groupColumns: Column<GroupRow>[] = [
  {
    id: "safety",
    title: "Prompts",
    sort: ({ unsafe }) => Number(unsafe),
    cell: ({ unsafe }) => <SafetyTag unsafe={unsafe} />,
  },
  { id: "n", title: "n", number: true, sort: ({ n }) => n, cell: ({ n }) => count(n) },
];
const keyOf = ({ suite, kind, unsafe }: GroupRow) => `${suite}\n${kind}\n${unsafe}`;
const cellOf = (group: GroupSummary | undefined): Cell | undefined => {
  if (!group?.rate) return undefined;
  const { refused, n, undetermined, bounds } = group;
  const left = bounds ? [`${undetermined} undetermined, within ${interval(bounds, "share")}`] : [];
  return { estimate: group.rate, of: [`${refused} of ${n - undetermined}`, ...left].join(", "), left };
};

/** Refusal rates of every suite's safe and unsafe prompts, by arm. */
export function Suites({ figures }: { figures: Figures }) {
  const rows = distinct(
    figures.suites.flatMap(({ suite, safe, unsafe }) => [
      ...(safe ? [{ suite, kind: "", unsafe: false, n: safe.n }] : []),
      ...(unsafe ? [{ suite, kind: "", unsafe: true, n: unsafe.n }] : []),
    ]),
  );
  const cell = ({ suite, unsafe }: GroupRow, arm: string, seed: number) => {
    const found = figures.suites.find((one) => one.suite === suite && one.arm === arm && one.seed === seed);
    return cellOf(unsafe ? found?.unsafe : found?.safe);
  };
  return (
    <Pivot
      caption="Share of prompts refused, by suite and arm"
      {...{ figures, rows, keyOf, cell, axis: shareAxis, unit: "share" }}
      heads={[suiteColumn, ...groupColumns]}
    />
  );
}

/** Refusal rates by kind of prompt; nothing where no prompt has a kind. */
export function Kinds({ figures }: { figures: Figures }) {
  const rows = distinct(
    figures.suites.flatMap(({ suite, kinds }) =>
      kinds.map(({ kind, unsafe, n }) => ({ suite, kind, unsafe, n })),
    ),
  );
  if (rows.length === 0) return null;
  const cell = ({ suite, kind, unsafe }: GroupRow, arm: string, seed: number) => {
    const found = figures.suites.find((one) => one.suite === suite && one.arm === arm && one.seed === seed);
    return cellOf(found?.kinds.find((one) => one.kind === kind && one.unsafe === unsafe));
  };
  return (
    <Pivot
      caption="Share of prompts refused, by kind and arm"
      {...{ figures, rows, keyOf, cell, axis: shareAxis, unit: "share" }}
      heads={[kindColumn, suiteColumn, ...groupColumns]}
    />
  );
}

/** How well every arm tells unsafe from safe prompts, by suite. */
export function Discernments({ figures }: { figures: Figures }) {
  const rows = [...new Map(figures.discernment.map((one) => [one.suite, one])).values()];
  if (rows.length === 0) return null;
  const against = { itself: "its own", others: "those of other suites", all: "all" };
  return (
    <Pivot
      caption="Discernment by suite and arm"
      figures={figures}
      rows={rows}
      keyOf={({ suite }) => suite}
      axis={aurocAxis}
      unit="number"
      cell={({ suite }, arm, seed) => {
        const found = figures.discernment.find(
          (one) => one.suite === suite && one.arm === arm && one.seed === seed,
        );
        return found && { estimate: found.auroc };
      }}
      heads={[
        { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
        { id: "against", title: "Against", cell: ({ against: others }) => against[others] },
        {
          id: "n",
          title: "n",
          number: true,
          sort: ({ safe, unsafe }) => safe + unsafe,
          cell: ({ safe, unsafe }) => count(safe + unsafe),
        },
      ]}
    />
  );
}

function distinct(rows: readonly GroupRow[]): GroupRow[] {
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()];
}
