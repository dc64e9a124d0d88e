import * as vscode from "vscode";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import { probeContract, probeContracts } from "../../protocol/probe/probes.ts";
import { planWords } from "../../protocol/probe/request.ts";
import { steeredState } from "../../protocol/probe/result.ts";
import type { ParamsInput } from "../../protocol/rpc.ts";
import { counted } from "../../wording/numbers.ts";
import { pageIds } from "../contributionTypes.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import type { Model } from "../models/find.ts";
import type { ModelLibrary } from "../models/library.ts";
import { asked } from "../models/pick.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { pickPromptFiles, starterTest } from "../prompts/pickFiles.ts";
import { pathInside } from "../prompts/workspaceFiles.ts";
import { targetFolder } from "../recipe/wizard.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { runItem } from "../runs/pick.ts";

export type ProbeAsk = ParamsInput<"planProbe">;

/** What can be measured: states of a run, or a model alone. */
export type Subject = Run | Model;

/** What measuring needs of the workbench. */
export interface MeasureParts {
  readonly engine: Engine;
  readonly library: RunLibrary;
  readonly models: ModelLibrary;
  readonly prompts: PromptLibrary;
}

/** Whether something is a model of the Models view. */
export function isModel(given: object): given is Model {
  return "hub" in given;
}

/** Opens a result in the laboratory page. */
export async function openResult(file: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand("vscode.openWith", file, pageIds.laboratory);
}

/** Asks which probe is measured. */
async function pickProbe(fits: (contract: ProbeContract) => boolean): Promise<ProbeContract | undefined> {
  const contracts: readonly ProbeContract[] = probeContracts;
  const items = contracts.filter(fits).map((contract) => ({
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

/** Whether a probe can be measured on a model alone, which has one state and no training data. */
function takesModel({ states, training }: ProbeContract): boolean {
  return states !== "trail" && (training?.atLeast ?? 0) === 0;
}

/** Asks what is measured: a run, or a model where the probe takes one. */
async function pickSubject(
  contract: ProbeContract,
  { library, models }: MeasureParts,
): Promise<Subject | undefined> {
  const separator = (label: string) => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const runs = library.runs.filter(({ cells }) => cells === undefined).map((run) => runItem(library, run));
  const usable = takesModel(contract)
    ? (await models.models()).filter(({ problem }) => problem === null)
    : [];
  if (runs.length + usable.length === 0) {
    void vscode.window.showInformationMessage(`There is no run to measure "${contract.title}" on.`);
    return undefined;
  }
  const items: (vscode.QuickPickItem & { run?: Run; model?: Model })[] = [
    ...(runs.length > 0 ? [separator("Runs"), ...runs] : []),
    ...(usable.length > 0 ? [separator("Models alone")] : []),
    ...usable.map((model) => ({ label: model.name, description: model.place.title, model })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: contract.title,
    placeHolder: takesModel(contract) ? "Run or model that is measured" : "Run that is measured",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return chosen?.run ?? chosen?.model;
}

/**
 * Asks at which states of a run; undefined where the person left.
 *
 * @param proposed whether the proposed states are taken without asking.
 */
async function pickStates(
  engine: Engine,
  contract: ProbeContract,
  run: Run,
  proposed: boolean,
): Promise<string[] | undefined> {
  const states = await engine.call("states", { run: run.folder.fsPath, probe: contract.id });
  const isEnd = ({ name, stage }: (typeof states)[number]) =>
    stage === null || name === `stage-${stage}` || name === steeredState;
  const items = states.map((state, i) => ({
    label: state.name,
    description: [
      state.globalStep === 0 ? "before training" : `after ${counted(state.globalStep, "step")}`,
      ...(state.name === steeredState ? ["with the run's inference-time method in force"] : []),
    ].join(", "),
    picked: contract.states === "trail" || (contract.states === "several" && isEnd(state)),
    last: i === states.length - 1,
  }));
  const title = `${contract.title} of ${run.label}`;
  if (proposed && contract.states !== "one") {
    return items.filter(({ picked }) => picked).map(({ label }) => label);
  }
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
 * Says what a probe would compute, and measures it if the person continues: with progress, and until they cancel.
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

/**
 * Asks for a probe, what it is measured on (states of a run, or a model alone with prompt files), shows the cost, measures, and opens the
 * result.
 *
 * @param given where it is known what is measured.
 * @param probe id of the probe, where it is known: of a run it is then measured at the states that the list of states would propose.
 */
export async function measureSubject(
  parts: MeasureParts,
  given: Subject | undefined,
  probe?: string,
): Promise<void> {
  const { engine, library } = parts;
  const known = probe === undefined ? undefined : probeContract(probe);
  const contract = known ?? (await pickProbe(given && isModel(given) ? takesModel : () => true));
  if (contract === undefined) return;
  const subject = given ?? (await pickSubject(contract, parts));
  if (subject === undefined) return;
  const ask = isModel(subject)
    ? await askModel(parts, contract, subject)
    : await askRun(engine, contract, subject, known !== undefined && given !== undefined);
  if (ask === undefined) return;
  const name = isModel(subject) ? subject.name : subject.label;
  const file = await measureAfterPlan(engine, `${contract.title} of ${name}`, ask);
  if (file === undefined) return;
  await openResult(file);
  await library.refresh();
}

async function askRun(
  engine: Engine,
  contract: ProbeContract,
  run: Run,
  proposed: boolean,
): Promise<ProbeAsk | undefined> {
  const states = await pickStates(engine, contract, run, proposed);
  const folder = run.folder.fsPath;
  return states && { probe: contract.id, root: folder, subject: { kind: "run", folder, states } };
}

/** A model has no prompts of its own: files are chosen. The result lies in the folder `probes` of the workspace. */
async function askModel(
  { models, prompts }: MeasureParts,
  contract: ProbeContract,
  model: Model,
): Promise<ProbeAsk | undefined> {
  const root = await targetFolder("A result is written into a folder of the workspace. Open a folder first.");
  if (root === undefined) return undefined;
  const { base, adapters } = await asked(models, model);
  const picked = await pickPromptFiles(prompts, {
    title: `${contract.title} of ${model.name}`,
    placeHolder: "Prompt files that it is measured on",
  });
  if (picked === undefined) return undefined;
  return {
    probe: contract.id,
    root: root.fsPath,
    subject: { kind: "model", model: { base, adapters: [...adapters] } },
    prompts: [
      ...picked.files.map(({ uri }) => ({ file: pathInside(root, uri) })),
      ...(picked.starter ? [{ ...starterTest }] : []),
    ],
  };
}
