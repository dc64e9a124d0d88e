import { useState } from "preact/hooks";
import { Choice } from "../laboratory/choice.tsx";
import { RunResults } from "../laboratory/runResults.tsx";
import type { DashboardPage } from "./pageModel.ts";

/** The figures of the laboratory that lie with a run of the page. */
export function LaboratorySection({ page }: { page: DashboardPage }) {
  const [picked, pick] = useState("");
  const { runs, blur } = page;
  const run =
    runs.find(({ id }) => id === picked) ?? runs.find(({ mentions }) => mentions.length > 0) ?? runs[0]!;
  const { id, mentions, result } = run;
  return (
    <section class="laboratory" aria-label="Laboratory">
      <h2>Laboratory</h2>
      {runs.length > 1 && (
        <div class="figure-controls">
          <Choice
            label="Run"
            value={id}
            options={runs.map((each) => [each.id, `${each.label} (${each.mentions.length})`])}
            onChange={pick}
          />
        </div>
      )}
      <RunResults
        key={id}
        {...{ mentions, blur }}
        results={result === null ? [] : [result]}
        ask={(ask) => page.ask({ type: "laboratory", run: id, ask })}
      />
    </section>
  );
}
