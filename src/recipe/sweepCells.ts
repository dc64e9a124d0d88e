import type { Cell, PlannedSweep } from "../protocol/cells.ts";
import { DiscernError } from "../protocol/errors.ts";
import { asFileName } from "../protocol/fileName.ts";
import type { Recipe } from "../protocol/recipe.ts";
import type { StageKind } from "../protocol/recipeStages.ts";
import type { Search, Sweep } from "../protocol/sweep.ts";
import { changedRecipe } from "./loadRecipe.ts";
import { frozenOpenings, withOpenings } from "./openings.ts";
import { asChanges, contentId, type SharedRecipe } from "./plannedCells.ts";
import { type SweepTrial, sweepTrials } from "./sweepTrials.ts";

/** The cells of a sweep, and what its plan keeps beside them. */
interface SweepPlan {
  readonly cells: Cell[];
  readonly sweep: PlannedSweep;
}

/**
 * The plan of a sweep: a cell per trial and seed, trial after trial. Of successive halving the trials of later rungs are planned as
 * places ("the settings of the second best of rung 1"), so that the plan is whole before anything has run.
 *
 * @param set changes to every cell's recipe, made after those of the sweep and before those that vary.
 * @throws DiscernError `recipe-invalid`, also where there are more runs than the budget allows.
 */
export function sweepPlan(sweep: Sweep, shared: SharedRecipe, set: readonly string[]): SweepPlan {
  const planner = new SweepPlanner(sweep, shared, set);
  const cells = planner.cells();
  const most = sweep.budget.trials;
  if (most !== undefined && cells.length > most) {
    throw new DiscernError(
      "recipe-invalid",
      `budget.trials: the sweep has ${cells.length} runs, and its budget is ${most}. Take a random search or fewer values, or raise it.`,
    );
  }
  return { cells, sweep: planner.kept() };
}

/** The steps of every rung and how many trials reach it; one rung where nothing is halved. */
function rungsOf(
  search: Search,
  trials: number,
): readonly { readonly trials: number; readonly steps?: number }[] {
  if (search.type !== "halving") return [{ trials }];
  return Array.from({ length: search.rungs }, (_, i) => ({
    trials: Math.floor(trials / search.factor ** i),
    steps: search.steps * search.factor ** i,
  }));
}

class SweepPlanner {
  private readonly sweep: Sweep;
  private readonly shared: SharedRecipe;
  private readonly set: readonly string[];
  private readonly seeds: readonly number[];
  /** The openings that all trials are measured by, where the file states them. */
  private readonly openings: ReturnType<typeof frozenOpenings> | undefined;
  private readonly trials: readonly SweepTrial[];

  constructor(sweep: Sweep, shared: SharedRecipe, set: readonly string[]) {
    const { root = ".", folder = root } = shared;
    this.openings = sweep.openings === undefined ? undefined : frozenOpenings(sweep.openings, folder);
    this.sweep = sweep;
    this.shared = shared;
    this.set = set;
    this.seeds = sweep.seeds ?? [this.plain().seed];
    this.trials = sweepTrials(sweep);
  }

  kept(): PlannedSweep {
    const { objective, stop, budget, search, space, variants } = this.sweep;
    const scaleOf = (one: Sweep["space"]) =>
      Object.entries(one).map(([name, dimension]) => ({
        name,
        ...(!Array.isArray(dimension) && { scale: dimension.scale }),
      }));
    const dimensions = [
      ...Object.entries(variants).flatMap(([name, list]) => [
        { name },
        ...list.flatMap((variant) => scaleOf(variant.space)),
      ]),
      ...scaleOf(space),
    ];
    return {
      ...{ objective, stop, budget, search, seeds: [...this.seeds] },
      dimensions: [...new Map(dimensions.map((one) => [one.name, one])).values()],
      evaluate: this.plain().evaluate,
    };
  }

  cells(): Cell[] {
    const { search } = this.sweep;
    const { trials } = this;
    const digits = Math.max(2, String(trials.length).length);
    const first = trials.map((trial, i) => {
      const method = `t${String(i + 1).padStart(digits, "0")}`;
      return this.seeds.map((seed) => this.trialCell(method, seed, trial));
    });
    const rungs = [first];
    for (const [i, rung] of rungsOf(search, trials.length).entries()) {
      if (i === 0 || rung.steps === undefined || search.type !== "halving") continue;
      const before = rungs.at(-1)!;
      const { steps } = rung;
      rungs.push(
        Array.from({ length: rung.trials }, (_, place) =>
          this.seeds.map((seed) => this.promotedCell({ rung: i + 1, place, seed, steps, before })),
        ),
      );
    }
    return rungs.flat(2);
  }

  /** The shared recipe as it is without what varies; it states the evaluation and the seed. */
  private plain(): Recipe {
    return this.changed([], this.sweep.stages);
  }

  private trialCell(method: string, seed: number, trial: SweepTrial): Cell {
    const { search } = this.sweep;
    const { varied } = trial;
    const name = `${method}-${seed}`;
    if (search.type !== "halving") {
      const { settings } = trial;
      const recipe = this.trialRecipe(name, seed, settings, trial.stages);
      return {
        ...{ id: contentId(recipe, []), name, method, seed, recipe, needs: [] },
        trial: { settings, varied },
      };
    }
    const settings = { ...trial.settings, [search.key]: search.steps };
    const recipe = this.trialRecipe(name, seed, settings, trial.stages);
    const growing = this.growingStage(search.key, trial.stages);
    return {
      ...{ id: contentId(recipe, []), name, method, seed, recipe, needs: [] },
      trial: { settings, varied, rung: 1, growing },
    };
  }

  /** Index of the stage whose steps grow, among those that a trial keeps. @throws DiscernError `recipe-invalid` where it does not keep it. */
  private growingStage(key: string, own: readonly StageKind[] | undefined): number {
    const index = Number(key.split(".")[1]);
    const kinds = this.changed([], undefined).stages.map(({ type }) => type);
    const kept = own ?? this.sweep.stages;
    const isKept = (kind: StageKind | undefined) => kind !== undefined && (kept?.includes(kind) ?? true);
    if (!isKept(kinds[index])) {
      throw new DiscernError(
        "recipe-invalid",
        `${this.shared.file}: search.key: trials have no stage ${index}, whose steps would grow. Name the steps of a stage that every trial keeps.`,
      );
    }
    return kinds.slice(0, index).filter(isKept).length;
  }

  /** A trial of a later rung: its settings are those of a place in the rung before. */
  private promotedCell({
    rung,
    place,
    seed,
    steps,
    before,
  }: {
    readonly rung: number;
    readonly place: number;
    readonly seed: number;
    readonly steps: number;
    readonly before: readonly (readonly Cell[])[];
  }): Cell {
    const method = `r${rung}-${place + 1}`;
    const name = `${method}-${seed}`;
    // Its own settings are not known yet: those of the first trial stand for them, so that costs are about right.
    const [first] = this.trials;
    const { search, objective } = this.sweep;
    const settings = search.type === "halving" ? { ...first!.settings, [search.key]: steps } : {};
    const recipe = this.trialRecipe(name, seed, settings, first!.stages);
    const needed = before.flat();
    return {
      id: contentId(recipe, [String(place), JSON.stringify(objective), ...needed.map(({ id }) => id)]),
      ...{ name, method, seed, recipe },
      needs: needed.map((cell) => cell.name),
      promoted: { trials: before.map((cells) => cells.map((cell) => cell.name)), place, steps },
      trial: { settings: {}, rung },
    };
  }

  private trialRecipe(
    name: string,
    seed: number,
    settings: Readonly<Record<string, unknown>>,
    stages: readonly StageKind[] | undefined,
  ): Recipe {
    const { name: ofAll, validation = [] } = this.sweep;
    const own = [`seed=${seed}`, ...asChanges({ "evaluate.suites": validation }), ...asChanges(settings)];
    const made = this.changed(own, stages ?? this.sweep.stages);
    return {
      ...made,
      name: asFileName(`${ofAll}-${name}`, "run"),
      // What is chosen is evaluated afterwards, and the untrained model is the same for every trial.
      evaluate: { ...made.evaluate, before: false },
    };
  }

  private changed(own: readonly string[], stages: readonly StageKind[] | undefined): Recipe {
    const openings = this.openings === undefined ? {} : { "probes.openings": this.openings };
    const changed = changedRecipe(this.shared.text, this.shared.file, {
      set: [...asChanges(openings), ...asChanges(this.sweep.set), ...this.set, ...own],
      stages,
    });
    return withOpenings(changed, this.shared.root ?? ".");
  }
}
