import * as vscode from "vscode";
import type { EngineFailure, EngineFault } from "./failure.ts";

const words: Record<EngineFault, (detail: string) => string> = {
  "node-missing": (path) =>
    vscode.l10n.t(
      'There is no program "{0}" to run the engine with. Mend the setting "discern.engine.nodePath".',
      path,
    ),
  "not-node": (path) =>
    vscode.l10n.t(
      '"{0}" is not Node.js, so the engine cannot run on it. Mend the setting "discern.engine.nodePath".',
      path,
    ),
  "node-too-old": (version) =>
    vscode.l10n.t(
      'The engine needs Node.js 24 or newer and was given {0}. Name a newer one in the setting "discern.engine.nodePath".',
      version,
    ),
  "engine-missing": (path) =>
    vscode.l10n.t(
      'There is no engine at "{0}". Mend the setting "discern.engine.path", or install the extension again.',
      path,
    ),
  silent: () => vscode.l10n.t("The engine started, and did not say where it listens."),
  stopped: () => vscode.l10n.t("The engine was stopped before it had answered."),
  died: (how) => vscode.l10n.t("The engine ended unexpectedly ({0}).", how),
};

/** Lines cited in a message; the log has more. */
const cited = 6;

/** Why the engine did not start or is gone, with what it said last, for the person at the workbench. */
export function wordFailure({ fault, detail, lines }: EngineFailure): string {
  return [words[fault](detail), ...lines.slice(-cited)].join("\n");
}
