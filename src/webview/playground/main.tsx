/**
 * The playground page: a prompt, and what two models make of it. The host asks the engine; the page waits a moment after the last key
 * before it asks, and drops what belongs to an earlier question.
 */
import { render } from "preact";
import type {
  PlaygroundFromPage,
  PlaygroundState,
  PlaygroundToPage,
} from "../../protocol/webview/playground.ts";
import { WithHelp } from "../ui/help.tsx";
import { connectHost } from "../ui/host.ts";
import { App } from "./app.tsx";
import { help } from "./help.ts";
import { asked, cancelled, initialState, reduce } from "./state.ts";

let state = initialState;
let opened: string | undefined;
const host = connectHost<PlaygroundToPage, PlaygroundFromPage, PlaygroundState>((message) => {
  if (message.type === "subjects" && message.text !== undefined) opened = message.text;
  state = reduce(state, message);
  draw();
});
const post = (message: PlaygroundFromPage) => {
  if (message.type === "try") state = asked(state, message.ask, message.text);
  if (message.type === "cancel") state = cancelled(state);
  host.post(message);
  // The page may ask while it is being drawn.
  queueMicrotask(draw);
};
function draw(): void {
  render(
    <WithHelp help={help}>
      <App state={state} opened={opened} post={post} kept={host.state} keep={host.keep} />
    </WithHelp>,
    document.getElementById("root")!,
  );
}
draw();
