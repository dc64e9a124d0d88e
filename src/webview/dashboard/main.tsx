/**
 * The dashboard: how training changes refusal, for one or several runs, live. The host sends each run's log as events and
 * the page keeps the series made of them (`RunSeries`), which only grow, or are cut back when a run resumes. Every chart is a
 * `PlotView`, a pure function of those series and of how the person looks at them: spec, legend, summary for those who do
 * not see it, and table. Charts are drawn on canvases, one per frame, so that long runs stay fluid.
 */
import { render } from "preact";
import type { DashboardFromPage, DashboardState, DashboardToPage } from "../../protocol/webview/dashboard.ts";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App } from "./app.tsx";
import { help } from "./keys.ts";
import { DashboardPage } from "./pageModel.ts";

registerToolkit();
const page = new DashboardPage();
page.connect(
  connectHost<DashboardToPage, DashboardFromPage, DashboardState>((message) => page.receive(message)),
);
render(
  <WithHelp help={help}>
    <App page={page} />
  </WithHelp>,
  document.getElementById("root")!,
);
