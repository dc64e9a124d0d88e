/**
 * The laboratory: one result of a probe, as its figure with its control, its caveats, its data and what it cost. It is one page in two
 * places. In VS Code the host tells it the result and does what is asked for; in an HTML file the result stands beside the script, and
 * data alone can be saved. A figure is a file of this folder and a row of `figures.ts`; it draws nothing that is not in the result.
 */
import { render } from "preact";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import type { LaboratoryFromPage, LaboratoryToPage } from "../../protocol/webview/laboratory.ts";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { App } from "./app.tsx";
import { help } from "./help.ts";
import { initialState, reduce } from "./state.ts";

const embedded = document.getElementById("result");
const root = document.getElementById("root")!;
if (embedded) showFile(JSON.parse(embedded.textContent) as ProbeResult);
else showInEditor();

function showInEditor(): void {
  let state = initialState;
  const host = connectHost<LaboratoryToPage, LaboratoryFromPage>((message) => {
    state = reduce(state, message);
    draw();
  });
  const draw = () =>
    render(
      <WithHelp help={help}>
        <App state={state} post={host.post} />
      </WithHelp>,
      root,
    );
  draw();
}

/** Shows a result that this very file contains; Discern wrote it there. */
function showFile(result: ProbeResult): void {
  const told = { type: "result", result, others: [], states: [], canMeasure: false } as const;
  render(
    <WithHelp help={help}>
      <App state={reduce(initialState, told)} post={null} />
    </WithHelp>,
    root,
  );
}
