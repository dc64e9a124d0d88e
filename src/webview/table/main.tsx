/**
 * The prompt table page: a window of rows over a list that the host filters and sorts. `TablePage` knows the places that are listed, a
 * label byte a prompt, and the words of the rows around those in sight, which it asks the host for.
 */
import { render } from "preact";
import type { TableFromPage, TableState, TableToPage } from "../../protocol/webview/table.ts";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { registerToolkit } from "../ui/toolkit.ts";
import { App } from "./app.tsx";
import { help } from "./keys.ts";
import { TablePage } from "./pageModel.ts";

registerToolkit();
const host = connectHost<TableToPage, TableFromPage, TableState>((message) => page.receive(message));
const page = new TablePage(host);
render(
  <WithHelp help={help}>
    <App page={page} />
  </WithHelp>,
  document.getElementById("root")!,
);
