import { basename } from "node:path";
import type * as vscode from "vscode";
import { calibrationContract } from "../../protocol/probe/calibration.ts";
import type { Engine } from "../engine/engine.ts";
import { measureAfterPlan, openResult } from "../laboratory/measure.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";

/**
 * Samples answers to a run's monitored prompts at its last state, as the probe of calibration does, which sets them against the refusal
 * probability: the cost is shown first, and the result is opened.
 *
 * @throws as `measureAfterPlan`.
 */
export async function sampleAnswers(
  { engine, library }: { readonly engine: Engine; readonly library: RunLibrary },
  folder: vscode.Uri,
): Promise<void> {
  requireTrust();
  const run = folder.fsPath;
  const { id, title } = calibrationContract;
  const last = (await engine.call("states", { run })).slice(-1).map(({ name }) => name);
  const file = await measureAfterPlan(engine, `${title} of ${basename(run)}`, {
    ...{ probe: id, root: run },
    subject: { kind: "run", folder: run, states: last },
  });
  if (file === undefined) return;
  await openResult(file);
  await library.refresh();
}
