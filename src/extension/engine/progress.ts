import * as vscode from "vscode";
import type { CallOptions } from "../../connection/client.ts";

/**
 * Shows a notification while the engine works on a request: how far it is, and a way to cancel.
 *
 * @param call makes the request with the options it is given.
 * @returns what `call` gives. @throws what `call` throws; a cancelled request is a vscode.CancellationError.
 */
export function duringCall<T>(title: string, call: (options: CallOptions) => Promise<T>): Promise<T> {
  const shown = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  const work = vscode.window.withProgress(shown, async (bar, cancelled) => {
    const abort = new AbortController();
    cancelled.onCancellationRequested(() => abort.abort());
    let percent = 0;
    return call({
      signal: abort.signal,
      onProgress: ({ title: message, done, total }) => {
        const now = total > 0 ? Math.min(100, (100 * done) / total) : 0;
        // A bar cannot go back: when another file or stage begins it stays, and the words tell.
        const share = total > 0 ? ` · ${Math.floor(now)} %` : "";
        bar.report({ message: `${message}${share}`, increment: Math.max(0, now - percent) });
        percent = Math.max(percent, now);
      },
    });
  });
  return Promise.resolve(work);
}
