import { render } from "preact";
import type { DashboardFromPage, DashboardState, DashboardToPage } from "../../protocol/webview/dashboard.ts";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App } from "./app.tsx";
import { DashboardPage } from "./pageModel.ts";

registerToolkit();
const page = new DashboardPage();
page.connect(
  connectHost<DashboardToPage, DashboardFromPage, DashboardState>((message) => page.receive(message)),
);
render(<App page={page} />, document.getElementById("root")!);
