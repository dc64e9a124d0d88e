import type { ComponentChildren, RefObject } from "preact";
import { count, counted } from "../../../wording/numbers.ts";
import { type Filter, type Order, type Outcome, orders, outcomes } from "./filter.ts";
import type { Row } from "./rows.ts";

interface FiltersProps {
  readonly filter: Filter;
  readonly onChange: (change: Partial<Filter>) => void;
  readonly onReset: () => void;
  readonly rows: readonly Row[];
  /** How many rows the filter lets through. */
  readonly shown: number;
  readonly runs: readonly string[];
  readonly search: RefObject<HTMLInputElement | null>;
}

/** What of the answers is to be shown. */
export function Filters({ filter, onChange, onReset, rows, shown, runs, search }: FiltersProps) {
  const suites = [...new Set(rows.map(({ suite }) => suite))];
  const kinds = [
    ...new Set(
      rows.flatMap(({ suite, kind }) =>
        kind && (filter.suite === "" || suite === filter.suite) ? [kind] : [],
      ),
    ),
  ];
  const runOptions = runs.map((name, i) => [String(i), name] as const);
  return (
    <search class="filters">
      <label class="field grow">
        Search
        <input
          ref={search}
          type="search"
          placeholder="Prompts and answers"
          value={filter.search}
          onInput={({ currentTarget }) => onChange({ search: currentTarget.value })}
        />
      </label>
      <Select
        label="Show"
        value={filter.outcome}
        onChange={(outcome) => onChange({ outcome: outcome as Outcome })}
      >
        {Object.entries(outcomes)}
      </Select>
      <Select
        label="Prompts"
        value={filter.safety}
        onChange={(safety) => onChange({ safety: safety as Filter["safety"] })}
      >
        {[
          ["all", "Safe and unsafe"],
          ["safe", "Safe"],
          ["unsafe", "Unsafe"],
        ]}
      </Select>
      {suites.length > 1 && (
        <Select label="Suite" value={filter.suite} onChange={(suite) => onChange({ suite, kind: "" })}>
          {[["", "Every suite"], ...suites.map((name) => [name, name] as const)]}
        </Select>
      )}
      {kinds.length > 1 && (
        <Select label="Category" value={filter.kind} onChange={(kind) => onChange({ kind })}>
          {[["", "Every category"], ...kinds.map((name) => [name, name] as const)]}
        </Select>
      )}
      {runs.length > 1 && (
        <>
          <Select
            label="Left"
            value={String(filter.left)}
            onChange={(run) => onChange({ left: Number(run) })}
          >
            {runOptions}
          </Select>
          <Select
            label="Right"
            value={String(filter.right)}
            onChange={(run) => onChange({ right: Number(run) })}
          >
            {runOptions}
          </Select>
        </>
      )}
      <Select label="Sort" value={filter.order} onChange={(order) => onChange({ order: order as Order })}>
        {Object.entries(orders)}
      </Select>
      <button type="button" class="link" onClick={onReset}>
        Reset
      </button>
      <p class="muted" role="status">
        {shown === rows.length
          ? counted(rows.length, "prompt")
          : `${count(shown)} of ${counted(rows.length, "prompt")}`}
      </p>
    </search>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Value and name of each option. */
  readonly children: readonly (readonly string[])[];
}

function Select({ label, value, onChange, children }: SelectProps): ComponentChildren {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {children.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
