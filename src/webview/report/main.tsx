/**
 * The report: what an evaluation found, as figures, and every prompt with its answers. It is one page in two places. In VS
 * Code the host tells it the report and what people judged, and keeps what is judged here; in an HTML file the report
 * stands beside the script and nothing can be asked for, so that the page is read and never judged. Everything below is
 * drawn from one `PageState`; figures are SVG and tables, which follow the theme, print and forced colours by their styles.
 */
import { render } from "preact";
import type { Report } from "../../protocol/report/report.ts";
import type { ShownResult } from "../../protocol/webview/laboratory.ts";
import { figuresOf, type ReportFromPage, type ReportToPage } from "../../protocol/webview/report.ts";
import { SaveContext } from "../ui/csv.tsx";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { App, type Kept } from "./app.tsx";
import { help } from "./keys.ts";
import { initialState, reduce } from "./state.ts";

const embedded = document.getElementById("report");
const root = document.getElementById("root")!;
if (embedded) {
  const results = document.getElementById("results")!;
  showFile(JSON.parse(embedded.textContent) as Report, JSON.parse(results.textContent) as ShownResult[]);
} else showInEditor();

function showInEditor(): void {
  let state = initialState;
  const host = connectHost<ReportToPage, ReportFromPage, Kept>((message) => {
    state = reduce(state, message);
    draw();
  });
  const save = (name: string, content: string) => host.post({ type: "save", name, format: "csv", content });
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

/** Shows a report and results of the laboratory that this very file contains; Discern wrote them there. */
function showFile(report: Report, results: readonly ShownResult[]): void {
  const told = { answers: report.answers, figures: figuresOf(report), judged: [], broken: [] };
  render(
    <WithHelp help={help}>
      <App state={reduce({ ...initialState, results }, { type: "report", ...told })} post={null} />
    </WithHelp>,
    root,
  );
}
