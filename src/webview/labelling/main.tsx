/**
 * The labelling page: one prompt at a time, or the whole file as a grid, labelled by keys. The host holds the file, its order
 * and its labels; `LabellingPage` knows the labels of all prompts as a byte each, and texts only around what is shown, which
 * it asks the host for. A label shows once the host has written it, while the next prompt comes up at once. Texts are
 * blurred until they are wanted.
 */
import { render } from "preact";
import type { LabellingFromPage, LabellingState, LabellingToPage } from "../../protocol/webview/labelling.ts";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App } from "./app.tsx";
import { help } from "./keys.ts";
import { LabellingPage } from "./pageModel.ts";

registerToolkit();
const host = connectHost<LabellingToPage, LabellingFromPage, LabellingState>((message) =>
  page.receive(message),
);
const page = new LabellingPage(host);
render(
  <WithHelp help={help}>
    <App page={page} />
  </WithHelp>,
  document.getElementById("root")!,
);
