import type { PanelName, ShownProgress, ShownState } from "../../../protocol/webview/dashboard.ts";

/** Names of the groups of monitored prompts. */
export const panelWords: Record<PanelName, string> = {
  toxic: "toxic",
  seeminglyToxic: "seemingly toxic",
  general: "general",
};

/** A state in words, with its codicon. */
export const stateWords: Record<ShownState, { word: string; icon: string }> = {
  starting: { word: "starting", icon: "loading" },
  running: { word: "running", icon: "play-circle" },
  finished: { word: "finished", icon: "pass" },
  stopped: { word: "stopped", icon: "debug-pause" },
  failed: { word: "failed", icon: "error" },
  interrupted: { word: "interrupted", icon: "warning" },
  damaged: { word: "damaged", icon: "warning" },
  gone: { word: "deleted", icon: "trash" },
};

/**
 * What a screen reader is told when a run's state changes, and only then: steps and probes are too many to be read
 * out. The first state that the page hears of is no news either.
 */
export function announcement(label: string, before: ShownProgress | null, now: ShownProgress): string | null {
  if (before && now.stopping && now.stopping.words !== before.stopping?.words)
    return `Run ${label}: ${now.stopping.words}`;
  if (!before || before.state === now.state) return null;
  const { word } = stateWords[now.state];
  const problem = now.state === "failed" && now.problem ? `: ${now.problem.replace(/\.$/, "")}` : "";
  return `Run ${label} ${now.state === "gone" ? "was deleted" : word}${problem}.`;
}
