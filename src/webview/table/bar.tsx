import { useEffect, useRef } from "preact/hooks";
import type { LabelFilter } from "../../protocol/webview/labelling.ts";
import { type VerdictFilter, verdictFilterSchema } from "../../protocol/webview/table.ts";
import { count, counted } from "../../wording/numbers.ts";
import { HelpButton } from "../ui/help.tsx";
import { IconButton } from "../ui/iconButton.tsx";
import { stateNames } from "../ui/labelChip.tsx";
import type { TablePage } from "./pageModel.ts";
import { wholeFile } from "./view.ts";
import { verdictNames } from "./words.ts";

/** Milliseconds of silence after which what was typed is searched for. */
const TYPING_PAUSE = 150;

const labelNames: Record<LabelFilter, string> = { all: "All labels", ...stateNames, disputed: "Disputed" };

/** Which prompts are listed, how pairs stand, and what can be done with the list. */
export function Bar({ page, focusGrid }: { page: TablePage; focusGrid: () => void }) {
  const { file, view, methods } = page;
  if (!file) return null;
  const length = page.places?.length ?? 0;
  const isFiltered =
    view.text !== "" ||
    view.label !== "all" ||
    view.category !== null ||
    view.split !== null ||
    view.verdict !== "all";
  return (
    <search class="bar-of-table" aria-label="Which prompts">
      <Search page={page} focusGrid={focusGrid} />
      <Select<LabelFilter>
        name="Label"
        value={view.label}
        options={Object.entries(labelNames) as [LabelFilter, string][]}
        choose={(label) => page.ask({ label })}
      />
      {file.categories.length > 0 && (
        <Facet
          name="Category"
          all="All categories"
          {...{ values: file.categories, value: view.category }}
          choose={(category) => page.ask({ category })}
        />
      )}
      {file.splits.length > 0 && (
        <Facet
          name="Split"
          all="All splits"
          {...{ values: file.splits, value: view.split }}
          choose={(split) => page.ask({ split })}
        />
      )}
      {methods && methods.length > 0 && (
        <Select<VerdictFilter>
          name={`Verdict of ${methods.at(-1)!.title}`}
          value={view.verdict}
          options={verdictFilterSchema.options
            .filter((verdict) => verdict !== "methods" || methods.length > 1)
            .map((verdict) => [verdict, verdictNames[verdict]])}
          choose={(verdict) => page.ask({ verdict })}
        />
      )}
      {file.paired && (
        <button
          type="button"
          class="switch"
          aria-pressed={view.pairs}
          aria-keyshortcuts="T"
          title="Show each prompt's counterpart in the next row (T)"
          onClick={() => page.ask({ pairs: !view.pairs })}
        >
          <span class={`codicon codicon-${view.pairs ? "check" : "link"}`} aria-hidden="true" /> Pairs
          together
        </button>
      )}
      {isFiltered && (
        <button type="button" class="link" onClick={() => page.ask({ ...wholeFile, ...kept(page) })}>
          Clear filters
        </button>
      )}
      {page.outdated && (
        <button
          type="button"
          class="link"
          title="Labels changed by which the list is filtered or sorted"
          onClick={() => page.update()}
        >
          <span class="codicon codicon-refresh" aria-hidden="true" /> Update list
        </button>
      )}
      <span class="where">
        {page.chosen > 1
          ? `${counted(page.chosen, "prompt")} selected`
          : `${count(length)} of ${counted(file.labels.length, "prompt")}`}
      </span>
      <IconButton
        icon={page.revealed ? "eye" : "eye-closed"}
        name="Show prompts"
        shortcut="B"
        pressed={page.revealed}
        press={() => page.toggle("revealed")}
      />
      <IconButton icon="export" name="Export the list as CSV…" press={() => page.send({ type: "export" })} />
      <HelpButton />
    </search>
  );
}

/** What "Clear filters" leaves: the order. */
function kept({ view: { sort, pairs } }: TablePage) {
  return { sort, pairs };
}

function Search({ page, focusGrid }: { page: TablePage; focusGrid: () => void }) {
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const search = (text: string) => {
    clearTimeout(waiting.current);
    if (text !== page.view.text) page.ask({ text });
  };
  return (
    <input
      type="search"
      id="search"
      aria-label="Search prompts"
      placeholder="Search ( / )"
      value={page.view.text}
      onInput={({ currentTarget: { value } }) => {
        clearTimeout(waiting.current);
        waiting.current = setTimeout(() => search(value), TYPING_PAUSE);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") search("");
        else if (event.key === "Enter" || event.key === "ArrowDown") search(event.currentTarget.value);
        else return;
        event.preventDefault();
        focusGrid();
      }}
    />
  );
}

/** Chooses among a column's values; "" stands for prompts without one. */
function Facet(props: {
  name: string;
  all: string;
  values: readonly string[];
  value: string | null;
  choose: (value: string | null) => void;
}) {
  const { name, all, values, value, choose } = props;
  const options = values.map((each, i): [string, string] => [String(i), each === "" ? "(none)" : each]);
  return (
    <Select
      name={name}
      value={value === null ? "all" : String(values.indexOf(value))}
      options={[["all", all], ...options]}
      choose={(chosen) => choose(chosen === "all" ? null : (values[Number(chosen)] ?? null))}
    />
  );
}

function Select<T extends string>(props: {
  name: string;
  value: T;
  options: readonly (readonly [T, string])[];
  choose: (value: T) => void;
}) {
  return (
    <select
      aria-label={props.name}
      title={props.name}
      value={props.value}
      onChange={({ currentTarget: { value } }) => props.choose(value as T)}
    >
      {props.options.map(([value, name]) => (
        <option key={value} value={value} selected={value === props.value}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Whose verdicts and probabilities are shown, and how to choose others. */
export function Methods({ page }: { page: TablePage }) {
  const { methods } = page;
  if (methods === null) return null;
  if (methods.length === 0) {
    return (
      <p class="methods">
        <span class="codicon codicon-info" aria-hidden="true" />
        <span>No run has evaluated these prompts yet.</span>
        <button type="button" class="link" onClick={() => page.do("evaluate")}>
          Evaluate with…
        </button>
        <button type="button" class="link" onClick={() => page.send({ type: "chooseMethod", column: 0 })}>
          Choose a run…
        </button>
      </p>
    );
  }
  return (
    <div class="methods">
      <span class="muted">Verdicts of</span>
      {methods.map(({ title, run, answered }, i) => (
        <span class="method" key={i}>
          <button
            type="button"
            class="switch"
            title={`Choose another run or method. ${title} of ${run} answered ${counted(answered, "prompt")} of this file.`}
            onClick={() => page.send({ type: "chooseMethod", column: i as 0 | 1 })}
          >
            {title} <span class="muted">· {run}</span>
            <span class="codicon codicon-chevron-down" aria-hidden="true" />
          </button>
          {methods.length > 1 && (
            <IconButton
              icon="close"
              name={`Remove the columns of ${title}`}
              press={() => page.send({ type: "removeMethod", column: i as 0 | 1 })}
            />
          )}
        </span>
      ))}
      {methods.length < 2 && (
        <button type="button" class="link" onClick={() => page.send({ type: "chooseMethod", column: 1 })}>
          <span class="codicon codicon-add" aria-hidden="true" /> Compare with another method…
        </button>
      )}
    </div>
  );
}
