import { render } from "preact";
import type { LabellingFromPage, LabellingState, LabellingToPage } from "../../protocol/webview/labelling.ts";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App } from "./app.tsx";
import { LabellingPage } from "./pageModel.ts";

registerToolkit();
const host = connectHost<LabellingToPage, LabellingFromPage, LabellingState>((message) =>
  page.receive(message),
);
const page = new LabellingPage(host);
render(<App page={page} />, document.getElementById("root")!);
