import { basename } from "node:path";
import * as vscode from "vscode";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import { probeContracts } from "../../protocol/probe/probes.ts";
import { planWords } from "../../protocol/probe/request.ts";
import type { ParamsInput } from "../../protocol/rpc.ts";
import { counted } from "../../wording/numbers.ts";
import { pageIds } from "../contributionTypes.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { pickRun } from "../runs/pick.ts";

export type ProbeAsk = ParamsInput<"planProbe">;

/** Opens a result in the laboratory page. */
export async function openResult(file: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand("vscode.openWith", file, pageIds.laboratory);
}

/** Asks which probe is measured. */
async function pickProbe(): Promise<ProbeContract | undefined> {
  const contracts: readonly ProbeContract[] = probeContracts;
  const items = contracts.map((contract) => ({
    label: contract.title,
    description: contract.id,
    detail: contract.description,
    contract,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Measure",
    placeHolder: "Figure of the laboratory",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return chosen?.contract;
}

/** Asks at which states of a run; undefined where the person left, and where the run kept too few. */
async function pickStates(engine: Engine, contract: ProbeContract, run: Run): Promise<string[] | undefined> {
  const states = await engine.call("states", { run: run.folder.fsPath });
  const isEnd = ({ name, stage }: (typeof states)[number]) => stage === null || name === `stage-${stage}`;
  const items = states.map((state, i) => ({
    label: state.name,
    description: state.stage === null ? "before training" : `after ${counted(state.globalStep, "step")}`,
    picked: contract.states === "trail" || (contract.states === "several" && isEnd(state)),
    last: i === states.length - 1,
  }));
  const title = `${contract.title} of ${run.label}`;
  if (contract.states === "one") {
    const chosen = await vscode.window.showQuickPick(items.toReversed(), {
      title,
      placeHolder: "State of the run",
    });
    return chosen && [chosen.label];
  }
  const chosen = await vscode.window.showQuickPick(items, {
    title,
    placeHolder: contract.states === "trail" ? "Two or more states of the run" : "States of the run",
    canPickMany: true,
  });
  return chosen === undefined || chosen.length === 0 ? undefined : chosen.map(({ label }) => label);
}

/**
 * Says what a probe would compute, and measures it where the person goes on: with progress, and until they cancel.
 *
 * @returns the file of the result; undefined where the person did not go on.
 * @throws as `Engine.call`; vscode.CancellationError where it was cancelled: nothing is written then.
 */
export async function measureAfterPlan(
  engine: Engine,
  title: string,
  ask: ProbeAsk,
): Promise<vscode.Uri | undefined> {
  const { plan, seconds, states, groups, training, notices } = await engine.call("planProbe", ask);
  const prompts = Object.entries(groups)
    .filter(([, n]) => n > 0)
    .map(([group, n]) => `${n} ${group.replace("_", " ")}`);
  const go = "Measure";
  const asked = await vscode.window.showInformationMessage(
    `Measure "${title}"?`,
    {
      modal: true,
      detail: [
        `${planWords(plan, seconds)}.`,
        `States: ${states.join(", ")}`,
        `Prompts: ${prompts.join(", ")}${training > 0 ? `; ${counted(training, "training pair")}` : ""}`,
        ...notices,
      ].join("\n"),
    },
    go,
  );
  if (asked !== go) return undefined;
  const { file } = await duringCall(`Measuring ${title}`, (options) =>
    engine.call("measureProbe", { ask }, options),
  );
  return vscode.Uri.file(file);
}

/** Asks for a probe, a run and its states, shows the cost, measures, and opens the result. */
export async function measureRun(engine: Engine, library: RunLibrary, given: Run | undefined): Promise<void> {
  const contract = await pickProbe();
  if (contract === undefined) return;
  const run =
    given ??
    (
      await pickRun(library, {
        filter: ({ cells }) => cells === undefined,
        placeholder: `Run that "${contract.title}" is measured on`,
      })
    )?.[0];
  if (run === undefined) return;
  const states = await pickStates(engine, contract, run);
  if (states === undefined) return;
  const file = await measureAfterPlan(engine, `${contract.title} of ${basename(run.folder.fsPath)}`, {
    probe: contract.id,
    root: run.folder.fsPath,
    subject: { kind: "run", folder: run.folder.fsPath, states },
  });
  if (file === undefined) return;
  await openResult(file);
  await library.refresh();
}
