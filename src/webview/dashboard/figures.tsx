import { useEffect, useState } from "preact/hooks";
import type { Comovement } from "../../protocol/comovement.ts";
import { comovement, tooFewProbes } from "../../statistics/comovement.ts";
import { count, estimate } from "../../wording/numbers.ts";
import type { PageRun } from "./pageModel.ts";

/** Bootstrap draws of a look during a run; the report draws more. */
const draws = 1000;

/** Figures of co-movement with their intervals, computed when they are wanted: the bootstrap takes a moment. */
export function Figures({ runs }: { runs: readonly PageRun[] }) {
  const [wanted, want] = useState(false);
  const [found, setFound] = useState<readonly { label: string; figures: Comovement | undefined }[] | null>(
    null,
  );
  const enough = runs.filter(({ series }) => tooFewProbes(series.comovement.length) === null);
  useEffect(() => {
    if (!wanted) return;
    // After the next frame, so that the page says what it is doing before it does it.
    const later = setTimeout(() => {
      setFound(
        enough.map(({ label, series }) => ({ label, figures: comovement(series.comovement, { draws }) })),
      );
      want(false);
    }, 50);
    return () => clearTimeout(later);
  }, [wanted]);
  if (enough.length === 0) return null;
  return (
    <div class="figures">
      <div class="toolbar">
        <vscode-button appearance="secondary" disabled={wanted} onClick={() => want(true)}>
          {wanted ? "Computing…" : found ? "Compute again" : "Compute intervals"}
        </vscode-button>
        <span class="muted">
          {enough.map(({ label, series }) => `${label}: ${series.comovement.length} probes`).join(", ")}
        </span>
      </div>
      {found && (
        <div class="table">
          <table>
            <caption>
              Co-movement of seemingly toxic with toxic prompts, with 95 % intervals (moving-block bootstrap,{" "}
              {count(draws)} draws)
            </caption>
            <thead>
              <tr>
                <th scope="col">run</th>
                <th scope="col">probes</th>
                <th scope="col">spill-over slope β</th>
                <th scope="col">correlation of changes</th>
                <th scope="col">correlation of levels</th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ label, figures }) => (
                <tr key={label}>
                  <td class="words">{label}</td>
                  <td class="number">{figures ? figures.points : "fewer than 3"}</td>
                  <td class="number">{estimate(figures?.seeminglyToxic.spillOver)}</td>
                  <td class="number">{estimate(figures?.seeminglyToxic.differences.pearson)}</td>
                  <td class="number">{estimate(figures?.seeminglyToxic.levels.pearson)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
