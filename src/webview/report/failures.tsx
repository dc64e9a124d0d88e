import type { FailureCase } from "../../protocol/report/benchmark.ts";
import {
  evaluatedWords,
  failingOutcome,
  failureName,
  trainingWords,
} from "../../protocol/report/failureWords.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { count } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Words } from "../ui/words.tsx";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";

interface CaseRow extends FailureCase {
  readonly name: string;
  readonly prompt: string;
}

/**
 * Answers that failed, with the training prompts most like theirs, what the method did with the evaluated prompts most like
 * theirs, and the methods that fail in them, too.
 */
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
  const promptOf = ({ suite, id }: { suite: string; id: string }) => prompts.get(`${suite}\n${id}`) ?? "";
  const cases = failures.map(
    (one): CaseRow => ({
      ...one,
      name: nameOf(one.method),
      prompt: promptOf(one),
    }),
  );
  const runOf = ({ method, seed }: FailureCase) =>
    figures.answers.findIndex((run) => run.method === method && run.seed === seed);
  const columns: Column<CaseRow>[] = [
    { id: "method", title: "Method", sort: ({ name }) => name, cell: ({ name }) => name },
    {
      id: "failure",
      title: "Failure",
      sort: ({ kind }) => kind,
      cell: ({ kind }) => failureName(kind),
    },
    {
      id: "prompt",
      title: "Prompt",
      sort: ({ prompt }) => prompt,
      cell: (one) => (
        <div class="wrapped">
          <Words text={one.prompt} hidden={blur} />{" "}
          <button
            type="button"
            class="link"
            aria-label={`Show the answers to ${one.prompt}`}
            onClick={() => onBrowse({ suite: one.suite, search: one.prompt, right: runOf(one) })}
          >
            Answers
          </button>
        </div>
      ),
    },
    {
      id: "evaluated",
      title: "Most like it in the suites",
      cell: ({ evaluated = [] }) => (
        <Neighbours
          all={evaluated.map((one) => ({ prompt: promptOf(one), words: evaluatedWords(one) }))}
          blur={blur}
        />
      ),
    },
    {
      id: "nearest",
      title: "Most like it in training",
      cell: ({ nearest }) => (
        <Neighbours
          all={nearest.map((one) => ({ prompt: one.prompt, words: trainingWords(one) }))}
          blur={blur}
        />
      ),
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
      id: "others",
      title: "Others that fail in it",
      cell: ({ kind, others }) => (
        <div class="wrapped">
          {others
            .filter(({ outcome }) => outcome === failingOutcome(kind))
            .map(({ method }) => nameOf(method))
            .join(", ") || "none"}
        </div>
      ),
    },
  ];
  return (
    <>
      <p class="muted about">
        Cases drawn from the categories in which each method fails most, with its first seed; beside each the
        training prompts most like it, and what the method did with the suites' prompts most like it: its
        counterpart or the nearest prompt of the other side, and the nearest of its own side. Similarity is
        that of words and word trigrams (Jaccard).
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

/** Prompts beside a case, each with what is to be said of it. */
function Neighbours({
  all,
  blur,
}: {
  all: readonly { readonly prompt: string; readonly words: string }[];
  blur: boolean;
}) {
  if (all.length === 0) return "–";
  return (
    <ul class="wrapped neighbours">
      {all.map(({ prompt, words }, i) => (
        <li key={i}>
          <Words text={prompt} hidden={blur} /> <small class="muted">{words}</small>
        </li>
      ))}
    </ul>
  );
}
