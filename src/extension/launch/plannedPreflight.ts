import { dirname } from "node:path";
import type { Cell } from "../../protocol/cells.ts";
import type { PromptCounts } from "../../recipe/check.ts";
import { checkPlannedText } from "../../recipe/checkPlanned.ts";
import { type Cost, estimateCost, mostMemory } from "../../recipe/cost.ts";
import { knownModel, type ModelFacts } from "../../recipe/modelFacts.ts";
import { counted } from "../../wording/numbers.ts";
import type { Finding } from "./finding.ts";
import { findingsOf, type PreflightDoors, placement } from "./preflight.ts";
import { checkRoom } from "./room.ts";

/** What the preflight of several runs asks of others. */
export interface PlannedDoors extends Omit<PreflightDoors, "model" | "place"> {
  /** @param root folder of the recipe. @throws DiscernError as the engine threw it. */
  readonly model: (name: string, root: string) => Promise<ModelFacts>;
  readonly place: (
    recipe: Parameters<PreflightDoors["place"]>[0],
    root: string,
  ) => ReturnType<PreflightDoors["place"]>;
}

/** What is looked at of a run that is planned. */
export type PlannedCell = Pick<Cell, "name" | "recipe" | "trial">;

/** What several runs cost: the time of all, the memory of the one that needs most, the disk of all. */
export type PlannedCost = Pick<Cost, "seconds" | "memoryBytes" | "memoryOf" | "diskBytes">;

/** What stands in the way of several runs, and what they cost; no cost where a model cannot be read. */
export interface PlannedPreflight {
  readonly findings: readonly Finding[];
  readonly cost: PlannedCost | null;
  /** Where they are computed and what stays in memory, in whole sentences. */
  readonly plan: readonly string[];
}

/** The text of a file that describes several runs. */
export interface PlannedText {
  readonly text: string;
  /** Of the file. */
  readonly path: string;
  /** Whether the file does not hold the text yet: findings then name no lines of it. */
  readonly isUnwritten?: boolean;
}

/**
 * Looks for everything that would end the runs of a comparison, benchmark or sweep later on, as `preflight` does for one run: faults of the
 * file, of the recipe, of its prompts and its model, memory of each run, disk of all.
 *
 * @throws what a door throws that says nothing of the recipe.
 */
export async function plannedPreflight(
  { text, path, isUnwritten = false }: PlannedText,
  doors: PlannedDoors,
): Promise<PlannedPreflight> {
  const { starter } = doors;
  const root = dirname(path);
  const { cells, problems, recipe, counts, ...checked } = await checkPlannedText(text, path, {
    root,
    starter,
    model: async (name, from = root) => knownModel(await doors.model(name, from)),
  });
  const order = { text, root: checked.root, stlAlone: false, isReduced: isUnwritten };
  const findings = findingsOf(problems, order, recipe, starter);
  // Runs that cannot be planned have faults that say why.
  if (cells.length === 0) return { findings, cost: null, plan: [] };
  const room = await roomForRuns(cells, { root: checked.root, counts }, doors);
  return { ...room, findings: [...findings, ...room.findings] };
}

/**
 * Whether runs that are planned have room on this machine.
 *
 * @param cells the runs that are left to be done
 */
export async function roomForRuns(
  cells: readonly PlannedCell[],
  { root, counts }: { readonly root: string; readonly counts: PromptCounts },
  doors: Pick<PlannedDoors, "model" | "machine" | "place" | "room">,
): Promise<PlannedPreflight> {
  const room = await doors.room();
  const models = new Map<string, Promise<ModelFacts | null>>();
  const modelOf = (name: string) => {
    const known = models.get(name) ?? doors.model(name, root).catch(() => null);
    models.set(name, known);
    return known;
  };
  const costs: Cost[] = [];
  const found = new Map<string, { finding: Finding; runs: string[] }>();
  const plan = new Set<string>();
  for (const { name, recipe, trial } of cells) {
    const model = await modelOf(recipe.model.base);
    if (model === null) continue;
    const placed = await placement(recipe, model, room, () => doors.place(recipe, root));
    const machine = await doors.machine(model, recipe, placed.choice);
    costs.push(estimateCost(recipe, model, machine, trial ? {} : counts));
    for (const line of placed.plan) plan.add(line);
    for (const finding of placed.findings) {
      const known = found.get(finding.message) ?? { finding, runs: [] };
      known.runs.push(name);
      found.set(finding.message, known);
    }
  }
  const cost = costs.length < cells.length ? null : total(costs);
  return {
    findings: [
      ...[...found.values()].map(({ finding, runs }) => ({
        ...finding,
        message: `${whichRuns(runs)}: ${finding.message}`,
      })),
      ...checkRoom(room, cost),
    ],
    cost,
    plan: [...plan],
  };
}

function total(costs: readonly Cost[]): PlannedCost {
  const sum = (of: (cost: Cost) => number) => costs.reduce((all, cost) => all + of(cost), 0);
  return {
    seconds: sum(({ seconds }) => seconds),
    ...mostMemory(costs),
    diskBytes: sum(({ diskBytes }) => diskBytes),
  };
}

/** The runs that a finding is about: stl-0, and 3 other runs */
function whichRuns([first, ...others]: readonly string[]): string {
  return others.length === 0 ? first! : `${first}, and ${counted(others.length, "other run")}`;
}
