import { useEffect } from "preact/hooks";
import { type CategoryRow, categoryTable } from "../../protocol/report/categories.ts";
import { rowBasis } from "../../protocol/report/lines.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import { POOLED } from "../../protocol/suite.ts";
import type { BenchmarkFromPage, CategoryQuestion, ShownMeasures } from "../../protocol/webview/benchmark.ts";
import { count, figure, interval } from "../../wording/numbers.ts";
import { methodStyles, styleCount } from "../ui/methodStyle.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import type { Matrix, MeasureChoice } from "./matrix.ts";

interface CategoriesProps {
  /** What is shown: a category table is of its measure, judge and methods. */
  readonly matrix: Matrix;
  /** All methods of the plan, by whose order they have their shapes. */
  readonly methods: readonly string[];
  /** The suite; null where the section is folded. */
  readonly suite: string | null;
  /** What the host has said of categories last. */
  readonly told: { readonly of: CategoryQuestion; readonly rows: readonly MeasureRow[] } | null;
  /** What was measured so far: where it is new, categories are asked for again. */
  readonly shown: ShownMeasures | null;
  readonly onSuite: (suite: string | null) => void;
  readonly post: (message: BenchmarkFromPage) => void;
}

/** The measure of the matrix by category of one suite, method by method: of the suite of the cell that has the focus. */
export function Categories({ matrix, methods, suite, told, shown, onSuite, post }: CategoriesProps) {
  const { chosen, judge } = matrix;
  const suites = matrix.suites.filter((one) => one !== POOLED);
  const asked = suite === null ? null : suites.includes(suite) ? suite : (suites[0] ?? null);
  const question = chosen && asked !== null ? questionOf(chosen, judge, asked) : null;
  const key = JSON.stringify(question);
  // The key is the question by its content; new figures ask it again.
  useEffect(() => {
    if (question !== null) post({ type: "categories", of: question });
  }, [key, shown]);
  if (chosen === undefined || suites.length === 0) return null;
  const rows = told !== null && JSON.stringify(told.of) === key ? told.rows : null;
  return (
    <details
      class="data categories"
      open={suite !== null}
      onToggle={({ currentTarget: { open } }) => {
        if (open !== (suite !== null)) onSuite(open ? suites[0]! : null);
      }}
    >
      <summary>By category</summary>
      {asked !== null && (
        <>
          <label class="field">
            Suite
            <select value={asked} onChange={({ currentTarget }) => onSuite(currentTarget.value)}>
              {suites.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
          {rows === null ? (
            <p class="muted">Reading the categories…</p>
          ) : (
            <CategoryTableView {...{ rows, chosen, matrix, methods }} suite={asked} />
          )}
        </>
      )}
    </details>
  );
}

function questionOf(
  { definition, group }: MeasureChoice,
  judge: string | undefined,
  suite: string,
): CategoryQuestion {
  return { suite, measure: definition.id, group, judge: judge ?? null };
}

interface ViewProps extends Pick<CategoriesProps, "matrix" | "methods"> {
  readonly rows: readonly MeasureRow[];
  readonly chosen: MeasureChoice;
  readonly suite: string;
}

function CategoryTableView({ rows, chosen: { title, definition }, matrix, methods, suite }: ViewProps) {
  const found = categoryTable(
    rows,
    matrix.rows.map(({ method }) => method),
  );
  if (found.rows.length === 0)
    return (
      <p class="muted">
        {rows.length === 0
          ? `No figures by category of ${suite} yet, or its prompts have no categories.`
          : "None of the methods that are shown has figures by category."}
      </p>
    );
  const styles = methodStyles(methods);
  const columns: Column<CategoryRow>[] = [
    {
      id: "category",
      title: "Category",
      sort: ({ category }) => category,
      cell: ({ category, against }) =>
        against === undefined ? category : `${category}, against ${againstWords[against]}`,
    },
    {
      id: "n",
      title: "n",
      number: true,
      sort: ({ n }) => n ?? undefined,
      cell: ({ n }) => (n === null ? "–" : count(n)),
    },
    ...found.methods.map(
      (method, i): Column<CategoryRow> => ({
        id: `method ${method}`,
        title: (
          <span class="method-title">
            <MethodShape style={(styles[methods.indexOf(method)] ?? 0) % styleCount} />
            {method}
          </span>
        ),
        sort: ({ methods: own }) => meanOf(own[i]!),
        cell: ({ methods: own }) => <Seeds rows={own[i]!} unit={definition.unit} />,
      }),
    ),
  ];
  return (
    <SortableTable
      caption={`${title} by category of ${suite}`}
      columns={columns}
      rows={found.rows}
      keyOf={({ category, against }) => `${category}\n${against ?? ""}`}
    />
  );
}

const againstWords = { others: "those of other suites", all: "all" };

function meanOf(rows: readonly MeasureRow[]): number | undefined {
  const values = rows.flatMap(({ estimate }) => estimate ?? []);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The figures of a method in a category, one below the other where it has several seeds. */
function Seeds({ rows, unit }: { rows: readonly MeasureRow[]; unit: "share" | "number" | "nats" }) {
  if (rows.length === 0) return <span class="muted">–</span>;
  return (
    <>
      {rows.map((row) => (
        <div key={row.seed} class="seed-line" title={rowBasis(row)}>
          {rows.length > 1 && <small class="muted">seed {row.seed} </small>}
          {row.estimate === null ? (
            <span class="muted">all {count(row.undetermined ?? 0)} undetermined</span>
          ) : (
            <>
              <strong>{figure(row.estimate, unit)}</strong> <small class="muted">{basisOf(row, unit)}</small>
            </>
          )}
        </div>
      ))}
    </>
  );
}

/** What a figure is made of, where it is a share, and its interval. */
function basisOf(row: MeasureRow, unit: "share" | "number" | "nats"): string {
  const of = row.count === undefined && row.undetermined === undefined ? "" : rowBasis(row);
  return [of, row.interval ? interval(row.interval, unit) : ""].filter(Boolean).join(" · ");
}
