import type {
  BenchmarkRecord,
  FailureCase,
  SuiteOpenings,
  TuningRecord,
} from "../../protocol/report/benchmark.ts";
import { changeLines, criteriaLines } from "../../protocol/report/criteria.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { count, counted, figure, quantity } from "../../wording/numbers.ts";
import { number } from "../ui/columns.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Words } from "../ui/words.tsx";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";

/** What the benchmark is held to, and whether it was fixed before there were results. */
export function Criteria({ benchmark, figures }: { benchmark: BenchmarkRecord; figures: Figures }) {
  const { methods, reference } = figures;
  const changes = changeLines(benchmark);
  return criteriaLines(benchmark, reference === undefined ? "not named" : methodName(methods, reference)).map(
    (line) =>
      changes.includes(line) ? (
        <p key={line} class="notice warning">
          <span class="codicon codicon-warning" aria-hidden="true" />
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

interface CaseRow extends FailureCase {
  readonly name: string;
  readonly prompt: string;
}

/** Answers that failed, with the training prompts most like theirs and the methods that fail in them, too. */
export function Failures({
  failures,
  figures,
  rows,
  blur,
  onBrowse,
}: {
  failures: readonly FailureCase[];
  figures: Figures;
  rows: readonly Row[];
  blur: boolean;
  onBrowse: (filter: Partial<Filter>) => void;
}) {
  const nameOf = (id: string) => methodName(figures.methods, id);
  const prompts = new Map(rows.map(({ key, prompt }) => [key, prompt]));
  const cases = failures.map(
    (one): CaseRow => ({
      ...one,
      name: nameOf(one.method),
      prompt: prompts.get(`${one.suite}\n${one.id}`) ?? "",
    }),
  );
  const runOf = ({ method, seed }: FailureCase) =>
    figures.answers.findIndex((run) => run.method === method && run.seed === seed);
  const columns: Column<CaseRow>[] = [
    { id: "method", title: "Method", sort: ({ name }) => name, cell: ({ name }) => name },
    {
      id: "prompt",
      title: "Prompt",
      sort: ({ prompt }) => prompt,
      cell: (one) => (
        <>
          <Words text={one.prompt} hidden={blur} />{" "}
          <button
            type="button"
            class="link"
            aria-label={`Show the answers to ${one.prompt}`}
            onClick={() => onBrowse({ suite: one.suite, search: one.prompt, right: runOf(one) })}
          >
            Answers
          </button>
        </>
      ),
    },
    {
      id: "failure",
      title: "Failure",
      sort: ({ kind }) => kind,
      cell: ({ kind }) => (kind === "over_refusal" ? "over-refusal" : "under-refusal"),
    },
    {
      id: "category",
      title: "Suite and category",
      sort: ({ suite, category }) => `${suite} ${category ?? ""}`,
      cell: ({ suite, category }) => `${suite}${category === null ? "" : `, ${category}`}`,
    },
    {
      id: "failed",
      title: "Failed in it",
      number: true,
      sort: ({ failed, of }) => failed / of,
      cell: ({ failed, of }) => `${count(failed)} of ${count(of)}`,
    },
    {
      id: "nearest",
      title: "Most like it in training",
      cell: ({ nearest: [first] }) =>
        first === undefined ? (
          "–"
        ) : (
          <>
            <Words text={first.prompt} hidden={blur} />{" "}
            <small class="muted">
              {first.label ?? "no label"}, {figure(first.similarity)}
            </small>
          </>
        ),
    },
    {
      id: "others",
      title: "Others that fail in it",
      cell: ({ kind, others }) =>
        others
          .filter(({ outcome }) => outcome === (kind === "over_refusal" ? "refused" : "complied"))
          .map(({ method }) => nameOf(method))
          .join(", ") || "none",
    },
  ];
  return (
    <>
      <p class="muted about">
        Cases drawn from the categories in which each method fails most, with its first seed; beside each the
        training prompt most like it.
      </p>
      <SortableTable
        caption="Cases that failed"
        columns={columns}
        rows={cases}
        keyOf={({ method, kind, suite, id }) => `${method}\n${kind}\n${suite}\n${id}`}
      />
    </>
  );
}
