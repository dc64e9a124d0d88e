import { useEffect, useState } from "preact/hooks";
import { probeContract } from "../../protocol/probe/probes.ts";
import type { LaboratoryMention } from "../../protocol/report/laboratory.ts";
import type {
  LaboratoryFromPage,
  RunResultsRequest,
  ShownResult,
} from "../../protocol/webview/laboratory.ts";
import { Caveats, Facts } from "./about.tsx";
import type { FigureProps } from "./figure.ts";
import { figureOf } from "./figures.ts";
import { DataTables } from "./tables.tsx";

interface RunResultsProps {
  /** The results that lie with the run, or with the runs of a comparison. */
  readonly mentions: readonly LaboratoryMention[];
  /** The results that the page holds: the one that the host read last, in a file all of them. */
  readonly results: readonly ShownResult[];
  readonly blur: boolean;
  /** Asks the host; null where there is none, in a report that is a file. */
  readonly ask: ((request: RunResultsRequest) => void) | null;
}

/** The figures of a run's results, one at a time, on a page that is about the run. The newest stands there first. */
export function RunResults({ mentions, results, blur, ask }: RunResultsProps) {
  const [picked, pick] = useState<string | null>(null);
  const newest = mentions.toSorted((a, b) => (b.created ?? "").localeCompare(a.created ?? ""));
  const at = newest.find(({ file }) => file === picked) ?? newest[0];
  useEffect(() => {
    if (at !== undefined) ask?.({ type: "read", file: at.file });
    // A result that is measured anew lies in the same file.
  }, [at?.file, at?.created]);
  return (
    <>
      <div class="toolbar figure-controls">
        {at !== undefined && (
          <label class="field">
            Figure
            <select value={at.file} onChange={({ currentTarget }) => pick(currentTarget.value)}>
              {newest.map((mention) => (
                <option key={mention.file} value={mention.file}>
                  {mentionTitle(mention)}
                </option>
              ))}
            </select>
          </label>
        )}
        {ask !== null && at !== undefined && (
          <button
            type="button"
            class="button"
            onClick={() => {
              const file = at.file.split("/").at(-1)!;
              ask({ type: "about", file: at.file, request: { type: "openResult", file } });
            }}
          >
            Open in Laboratory
          </button>
        )}
        {ask && (
          <button type="button" class="button" onClick={() => ask({ type: "measure" })}>
            Measure…
          </button>
        )}
      </div>
      {at === undefined ? (
        <p class="muted">
          No figure of the laboratory lies with this run. Measure one of its saved states here, or list probes
          under “laboratory” in the recipe to have them measured during training.
        </p>
      ) : (
        <Shown key={at.file} shown={results.find(({ file }) => file === at.file)} {...{ blur, ask }} />
      )}
    </>
  );
}

function Shown({
  shown,
  blur,
  ask,
}: { shown: ShownResult | undefined } & Pick<RunResultsProps, "blur" | "ask">) {
  if (shown === undefined) return <p class="muted">Reading the result…</p>;
  if ("problem" in shown) {
    return (
      <p class="words" role="alert">
        <span class="codicon codicon-error" aria-hidden="true" /> {shown.problem}
      </p>
    );
  }
  const { file, result } = shown;
  const post = ask && ((request: LaboratoryFromPage) => ask({ type: "about", file, request }));
  return (
    <section class="laboratory-result" aria-label={result.title}>
      <p class="about">{probeContract(result.probe)?.description}</p>
      <Facts result={result} />
      <Caveats caveats={result.caveats} heading="h3" />
      <ResultFigure {...{ result, blur, post }} />
      <DataTables result={result} open={figureOf(result.probe) === undefined} post={post} />
    </section>
  );
}

/** The figure of a result, or why there is none. */
export function ResultFigure({ result, blur, post }: Omit<FigureProps<unknown>, "figures">) {
  const Figure = figureOf(result.probe);
  if (Figure === undefined) {
    return (
      <p class="muted" role="status">
        This version of Discern does not know the probe “{result.probe}”, so it has no figure for it. Its
        tables are below.
      </p>
    );
  }
  return (
    <Figure key={`${result.probe} ${result.created}`} figures={result.figures} {...{ result, blur, post }} />
  );
}

function mentionTitle({ title, states, run, created, file }: LaboratoryMention): string {
  const at = states.length > 2 ? `${states[0]} to ${states.at(-1)}` : states.join(", ");
  const when = created === null ? "" : ` (${new Date(created).toLocaleString()})`;
  return `${run === undefined ? "" : `${run}: `}${title === null ? `${file}, which cannot be read` : `${title}, ${at}`}${when}`;
}
