/*
 * A page is a webview of ours: an empty document with a strict content policy, to which all data come as messages. The host checks each
 * message of a page by a schema and posts nothing before the page has said that it is ready.
 */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type * as z from "zod";
import { isMessage, openHelpMessage, readyMessage } from "../../protocol/webview/page.ts";
import { registerCommand } from "../contributions.ts";
import { wordError } from "../errors.ts";
import { log, logError } from "../log.ts";

/** The names of the pages that are built into `dist/webview`. */
export type PageName =
  | "labelling"
  | "dashboard"
  | "report"
  | "benchmark"
  | "laboratory"
  | "table"
  | "playground";

/** What a page's own host side gives to and takes from it. */
interface PageOptions<From extends z.ZodType> {
  readonly name: PageName;
  readonly title: string;
  /** Messages of the page besides `ready`. */
  readonly from: From;
  readonly onMessage: (message: z.output<From>) => unknown;
  /** Called whenever the page has (re)loaded and can be told things. */
  readonly onReady: () => unknown;
}

/** The host's end of the way to a page. */
export interface Page<To> {
  /**
   * Tells the page something; dropped while it is not ready, since `onReady` tells it everything anew.
   *
   * @returns whether it was told.
   */
  post(message: To): boolean;
}

/**
 * Fills a webview with a page of ours and speaks with it. The policy lets it run its own scripts and nothing else; all
 * data arrive as messages, which are checked on this side.
 */
export function openPage<To, From extends z.ZodType>(
  panel: vscode.WebviewPanel,
  extensionUri: vscode.Uri,
  { name, title, from, onMessage, onReady }: PageOptions<From>,
): Page<To> & vscode.Disposable {
  const { webview } = panel;
  const roots = ["dist/webview", "media/webview"].map((path) => vscode.Uri.joinPath(extensionUri, path));
  webview.options = { enableScripts: true, localResourceRoots: roots };
  let ready = false;
  const listening = webview.onDidReceiveMessage((raw: unknown) => {
    if (isMessage(raw, readyMessage)) {
      ready = true;
      void guard(onReady);
      return;
    }
    const parsed = from.safeParse(raw);
    if (parsed.success) void guard(() => onMessage(parsed.data));
    else log.error(`A message of the page ${name} was not understood: ${parsed.error.message}`);
  });
  webview.html = html(webview, extensionUri, name, title);
  open.add(panel);
  panel.onDidDispose(() => open.delete(panel));
  return {
    post(message) {
      if (ready) void webview.postMessage(message);
      return ready;
    },
    dispose: () => listening.dispose(),
  };
}

/** The panels that show a page of ours. */
const open = new Set<vscode.WebviewPanel>();

/** Registers the command that opens the accessibility help of the page that is worked in: what it is, its keys, how it is read. */
export function registerPageHelp(): vscode.Disposable {
  return registerCommand("discern.page.help", () => {
    const active = [...open].find((panel) => panel.active);
    if (active) return active.webview.postMessage(openHelpMessage);
    return vscode.window.showInformationMessage("Open a page of Discern first, then its accessibility help.");
  });
}

/** The icon of a page's tab, by the name of a codicon. The oldest VS Code that we run in takes files alone here. */
export function tabIcon(extensionUri: vscode.Uri, codicon: "tag" | "graph-line") {
  const file = (theme: string) =>
    vscode.Uri.joinPath(extensionUri, "dist", "icons", `${codicon}-${theme}.svg`);
  return { light: file("light"), dark: file("dark") };
}

async function guard(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof vscode.CancellationError) return;
    logError(error);
    void vscode.window.showErrorMessage(wordError(error));
  }
}

function html(webview: vscode.Webview, extensionUri: vscode.Uri, name: PageName, title: string): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (...path: string[]) =>
    webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, ...path)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
  ].join("; ");
  const escaped = title.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped}</title>
<link rel="stylesheet" href="${at("dist", "webview", "codicon.css")}">
<link rel="stylesheet" href="${at("media", "webview", "base.css")}">
<link rel="stylesheet" href="${at("media", "webview", `${name}.css`)}">
</head>
<body>
<main id="root"></main>
<script nonce="${nonce}" src="${at("dist", "webview", `${name}.js`)}"></script>
</body>
</html>`;
}
