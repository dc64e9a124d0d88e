import { render } from "preact";
import type { ReportFromPage, ReportToPage } from "../../protocol/webview/report.ts";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App, type Kept } from "./app.tsx";
import { initialState, reduce } from "./state.ts";

registerToolkit();
let state = initialState;
const host = connectHost<ReportToPage, ReportFromPage, Kept>((message) => {
  state = reduce(state, message);
  draw();
});

function draw(): void {
  const root = document.getElementById("root")!;
  render(<App state={state} post={host.post} kept={host.state} keep={host.keep} />, root);
}
draw();
