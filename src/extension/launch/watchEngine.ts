import * as vscode from "vscode";
import { askLiveness } from "../../connection/client.ts";
import type { Ping } from "../../protocol/rpc.ts";
import { readEngine } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { isVisible } from "../../storage/processIdentity.ts";
import { runCommand, setting } from "../contributions.ts";
import { monitor } from "../engine/monitor.ts";
import type { Run } from "../runs/library.ts";

/**
 * Tells when the engine of a run answers no more, as one does that was halted. How long a step takes is no matter: its
 * liveness thread answers meanwhile.
 *
 * @param onStopping called when the engine says that it is stopping, whoever asked for that.
 * @returns what ends the watching.
 */
export function watchEngine(
  { folder, label }: Run,
  onStopping: (keepBest: boolean | null) => void,
): () => void {
  return monitor({
    ask: async (signal) => {
      const ping = await askEngine(folder.fsPath, signal);
      if (ping.stopping) onStopping(ping.keepBest ?? null);
      return ping;
    },
    work: () => "none",
    limit: () => setting("discern.engine.unresponsiveSeconds") * 1000,
    onChange(news) {
      if (news === "unresponsive") void tell(folder, label);
      else void vscode.window.showInformationMessage(`The engine of ${label} is responding again.`);
    },
  });
}

async function tell(folder: vscode.Uri, label: string): Promise<void> {
  const showLog = "Open Engine Log";
  const chosen = await vscode.window.showWarningMessage(
    `The engine of ${label} has not responded for ${setting("discern.engine.unresponsiveSeconds")} seconds. Its process may be suspended; saved state is intact.`,
    showLog,
  );
  if (chosen === showLog) await runCommand("discern.runs.openLog", folder);
}

/** @throws where the engine of the run lives and does not answer. */
async function askEngine(
  folder: string,
  signal: AbortSignal,
): Promise<Pick<Ping, "quiet" | "stopping" | "keepBest">> {
  const holder = await lockHolder(folder);
  const engine = await readEngine(folder);
  // One that is gone is told by the state of its run; one of another machine cannot be asked from here.
  if (engine === null || holder === null || !(await isVisible(holder))) return { quiet: 0, stopping: false };
  return askLiveness(engine.liveness, "ping", signal);
}
