import type { EngineFailure, EngineFault } from "./failure.ts";

const words: Record<EngineFault, (detail: string) => string> = {
  "node-missing": (path) =>
    `The program "${path}", which should run the engine, was not found. Correct the setting "discern.engine.nodePath".`,
  "not-node": (path) =>
    `"${path}" is not Node.js, so the engine cannot run on it. Correct the setting "discern.engine.nodePath".`,
  "node-too-old": (version) =>
    `The engine needs Node.js 22.15 or newer and was given ${version}. Set "discern.engine.nodePath" to a newer one.`,
  "engine-missing": (path) =>
    `No engine was found at "${path}". Correct the setting "discern.engine.path", or reinstall the extension.`,
  silent: () => "The engine started but did not report its socket in time.",
  stopped: () => "The engine was stopped before it responded.",
  died: (how) => `The engine exited unexpectedly (${how}).`,
};

/** Lines cited in a message; the log has more. */
const cited = 6;

/** Why the engine did not start or is gone, with what it said last, for the person at the workbench. */
export function wordFailure({ fault, detail, lines }: EngineFailure): string {
  return [words[fault](detail), ...lines.slice(-cited)].join("\n");
}
