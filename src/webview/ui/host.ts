import { isMessage, openHelpMessage, readyMessage } from "../../protocol/webview/page.ts";

/** The page's end of the way to the extension host. */
export interface Host<From, State> {
  post(message: From): void;
  /** What the page kept for when it is shown again; undefined the first time. */
  readonly state: State | undefined;
  keep(state: State): void;
}

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/**
 * Connects the page with the host: messages of the host reach `onMessage`, in order, from the moment on that `ready`
 * tells the host that the page listens. The host is trusted to send what the types say.
 */
export function connectHost<To, From, State = undefined>(
  onMessage: (message: To) => void,
): Host<From, State> {
  const api = acquireVsCodeApi();
  window.addEventListener("message", ({ data }: MessageEvent<To>) => {
    // Every page has its help, which listens by itself.
    if (!isMessage(data, openHelpMessage)) onMessage(data);
  });
  api.postMessage(readyMessage);
  return {
    post: (message) => api.postMessage(message),
    state: (api.getState() as State | null) ?? undefined,
    keep: (state) => api.setState(state),
  };
}
