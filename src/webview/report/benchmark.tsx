import type { BenchmarkRecord, SuiteOpenings, TuningRecord } from "../../protocol/report/benchmark.ts";
import { changeLines, criteriaLines } from "../../protocol/report/criteria.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { counted, figure, quantity } from "../../wording/numbers.ts";
import { number } from "../ui/columns.ts";
import { type Column, SortableTable } from "../ui/table.tsx";

/** What the benchmark is held to, and whether it was fixed before there were results. */
export function Criteria({ benchmark, figures }: { benchmark: BenchmarkRecord; figures: Figures }) {
  const { methods, reference } = figures;
  const changes = changeLines(benchmark);
  return criteriaLines(benchmark, reference === undefined ? "not named" : methodName(methods, reference)).map(
    (line) =>
      changes.includes(line) ? (
        <p key={line} class="margin">
          <span class="codicon codicon-warning bad" aria-hidden="true" />
          <span>{line}</span>
        </p>
      ) : (
        <p key={line}>{line}</p>
      ),
  );
}

/** Whether test suites were opened once, and no choice was made by them. */
export function Openings({ benchmark: { openings } }: { benchmark: BenchmarkRecord }) {
  const again = openings.some((one) => one.openings > one.reported);
  const columns: Column<SuiteOpenings>[] = [
    { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
    number("prompts", "Prompts", ({ prompts }) => prompts),
    number("reported", "Evaluations in this report", ({ reported }) => reported),
    number("others", "Others", ({ openings: all, reported }) => all - reported),
    {
      id: "sha256",
      title: "SHA-256",
      cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}</code>,
    },
  ];
  return (
    <>
      <p class={again ? "" : "muted"}>
        {again && <span class="codicon codicon-warning bad" aria-hidden="true" />}{" "}
        {again
          ? "A suite was also answered by runs that are not in this report: whoever chose by their figures chose on the test suite."
          : "Each run in this report answered each suite once, and no other run in this folder did."}
      </p>
      <SortableTable
        caption="Openings of test suites"
        columns={columns}
        rows={openings}
        keyOf={({ suite, sha256 }) => `${suite}\n${sha256}`}
      />
    </>
  );
}

type Trial = TuningRecord["methods"][number]["trials"][number] & { readonly method: string };

/** Every trial of every method, with what it came to on the validation suites. */
export function Tuning({ tuning, figures: { methods } }: { tuning: TuningRecord; figures: Figures }) {
  const rows = tuning.methods.flatMap(({ method, trials }) =>
    trials.map((trial): Trial => ({ ...trial, method: methodName(methods, method) })),
  );
  const without = tuning.methods.filter(({ trials }) => trials.length === 0);
  const columns: Column<Trial>[] = [
    { id: "method", title: "Method", sort: ({ method }) => method, cell: ({ method }) => method },
    {
      id: "settings",
      title: "Settings",
      sort: settingsOf,
      cell: (trial) => <code>{settingsOf(trial)}</code>,
    },
    {
      id: "value",
      title: tuning.measure,
      number: true,
      sort: ({ value }) => value ?? undefined,
      cell: ({ value }) => quantity(value),
    },
    {
      id: "unsafe",
      title: "Unsafe refused",
      number: true,
      sort: ({ unsafeRefusal }) => unsafeRefusal ?? undefined,
      cell: ({ unsafeRefusal }) => figure(unsafeRefusal, "share"),
    },
    {
      id: "safe",
      title: "Safe refused",
      number: true,
      sort: ({ safeRefusal }) => safeRefusal ?? undefined,
      cell: ({ safeRefusal }) => figure(safeRefusal, "share"),
    },
    {
      id: "chosen",
      title: "Chosen",
      sort: ({ chosen }) => (chosen ? 0 : 1),
      cell: ({ chosen, problem }) =>
        chosen ? (
          <span class="good">
            <span class="codicon codicon-check" aria-hidden="true" /> chosen
          </span>
        ) : (
          problem !== undefined && (
            <span class="words">
              <span class="codicon codicon-error bad" aria-hidden="true" /> error: {problem}
            </span>
          )
        ),
    },
  ];
  return (
    <>
      <p class="muted about">
        {counted(tuning.budget, "trial")} of every method that was tuned, on {tuning.suites.join(", ")},
        judged by {tuning.measure}.
        {without.length > 0 &&
          ` No trials: ${without.map(({ method }) => methodName(methods, method)).join(", ")}.`}
      </p>
      <SortableTable
        caption="Trials of tuning"
        columns={columns}
        rows={rows}
        keyOf={(trial) => `${trial.method}\n${settingsOf(trial)}`}
      />
    </>
  );
}

function settingsOf({ settings }: Pick<Trial, "settings">): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join(", ");
}
