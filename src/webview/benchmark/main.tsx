/**
 * The matrix of a comparison or benchmark: methods × suites under one measure, filling in while its runs go on. The host says
 * where each run stands and what was measured so far; the page computes no figure, it arranges rows of the measures table
 * (`matrix.ts`) and draws them as a grid that keys and screen readers can walk. A sweep has no matrix: its trials are curves and a table
 * (`sweep/`), also in an HTML file, where nothing can be asked for.
 */
import { render } from "preact";
import type { SweepResults } from "../../protocol/report/sweep.ts";
import type {
  BenchmarkFromPage,
  BenchmarkPageState,
  BenchmarkToPage,
} from "../../protocol/webview/benchmark.ts";
import { SaveContext } from "../ui/csv.tsx";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { App } from "./app.tsx";
import { help } from "./help.ts";
import { initialState, reduce } from "./state.ts";

const embedded = document.getElementById("sweep");
const root = document.getElementById("root")!;
if (embedded) showFile(JSON.parse(embedded.textContent) as SweepResults);
else showInEditor();

function showInEditor(): void {
  let state = initialState;
  const host = connectHost<BenchmarkToPage, BenchmarkFromPage, BenchmarkPageState>((message) => {
    state = reduce(state, message);
    draw();
  });
  const save = (name: string, content: string) => host.post({ type: "save", name, content });
  const draw = () =>
    render(
      <WithHelp help={help}>
        <SaveContext.Provider value={save}>
          <App state={state} post={host.post} kept={host.state} keep={host.keep} />
        </SaveContext.Provider>
      </WithHelp>,
      root,
    );
  draw();
}

/** Shows a sweep that this very file contains; Discern wrote it there. */
function showFile(results: SweepResults): void {
  render(
    <WithHelp help={help}>
      <App state={reduce(initialState, { type: "sweep", results })} post={null} />
    </WithHelp>,
    root,
  );
}
