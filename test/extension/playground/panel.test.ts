import { expect, it, vi } from "vitest";
import { readyMessage } from "../../../src/protocol/webview/page.ts";

/** As much of the editor as a page needs. */
vi.mock("vscode", () => ({
  Uri: { joinPath: (...parts: unknown[]) => parts.join("/") },
  CancellationError: class extends Error {},
  window: { createOutputChannel: () => ({}) },
}));
const { PlaygroundPanel } = await import("../../../src/extension/playground/panel.ts");
type Panel = InstanceType<typeof PlaygroundPanel>;

/** A playground whose page has not loaded yet, what it was told, and what has its page say that it is there. */
function opened(text: string) {
  const told: { type: string; text?: string }[] = [];
  let listener: (message: unknown) => void = () => {};
  const webview = {
    cspSource: "",
    asWebviewUri: String,
    onDidReceiveMessage: (take: typeof listener) => {
      listener = take;
      return { dispose: () => undefined };
    },
    postMessage: async (message: (typeof told)[0]) => void told.push(message),
  };
  const panel = { webview, title: "", reveal: () => undefined, onDidDispose: () => undefined };
  const parts = { extensionUri: "file:///extension" };
  const [asPanel, asParts] = [panel, parts] as unknown as [Panel["panel"], Parts];
  const shown = new PlaygroundPanel(asPanel, asParts, [null, null], text);
  const texts = () => told.flatMap((message) => (message.type === "subjects" ? [message.text] : []));
  return { shown, texts, ready: () => listener(readyMessage) };
}
type Parts = ConstructorParameters<typeof PlaygroundPanel>[1];

it("shows the prompt that was asked for last, also while its page still loads", async () => {
  const { shown, texts, ready } = opened("How do I kill a process?");
  shown.show(null, "How do I shoot a film?");
  expect(texts()).toEqual([]);
  ready();
  await vi.waitFor(() => expect(texts()).toEqual(["How do I shoot a film?"]));
  // The page has it: it keeps what a person makes of it.
  ready();
  await vi.waitFor(() => expect(texts()).toEqual(["How do I shoot a film?", undefined]));
});
