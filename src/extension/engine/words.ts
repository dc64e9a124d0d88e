import type { EngineFailure, EngineFault } from "./failure.ts";

const words: Record<EngineFault, (detail: string) => string> = {
  "node-missing": (path) =>
    `There is no program "${path}" to run the engine with. Mend the setting "discern.engine.nodePath".`,
  "not-node": (path) =>
    `"${path}" is not Node.js, so the engine cannot run on it. Mend the setting "discern.engine.nodePath".`,
  "node-too-old": (version) =>
    `The engine needs Node.js 22.15 or newer and was given ${version}. Name a newer one in the setting "discern.engine.nodePath".`,
  "engine-missing": (path) =>
    `There is no engine at "${path}". Mend the setting "discern.engine.path", or install the extension again.`,
  silent: () => "The engine started, and did not say where it listens.",
  stopped: () => "The engine was stopped before it had answered.",
  died: (how) => `The engine ended unexpectedly (${how}).`,
};

/** Lines cited in a message; the log has more. */
const cited = 6;

/** Why the engine did not start or is gone, with what it said last, for the person at the workbench. */
export function wordFailure({ fault, detail, lines }: EngineFailure): string {
  return [words[fault](detail), ...lines.slice(-cited)].join("\n");
}
