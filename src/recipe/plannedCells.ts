import { createHash } from "node:crypto";
import { type Benchmark, type BenchmarkedMethod, trains } from "../protocol/benchmark.ts";
import type { Cell, Settings } from "../protocol/cells.ts";
import { folderName } from "../protocol/comparedMethod.ts";
import type { ComparedVariant, Comparison } from "../protocol/comparison.ts";
import { asFileName } from "../protocol/fileName.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { shuffled, stream } from "../statistics/random.ts";
import { changedRecipe } from "./loadRecipe.ts";
import { frozenOpenings, withOpenings } from "./openings.ts";

/** What cells are planned from: a comparison, or a benchmark with the suites that can be had. */
export type Described = Pick<Comparison, "name" | "recipe" | "set" | "openings" | "seeds" | "changes"> & {
  readonly methods: readonly BenchmarkedMethod[];
} & Partial<Pick<Benchmark, "suites" | "judges" | "tuning">>;

/** The text of the shared recipe, and the file that errors name. */
export interface SharedRecipe {
  readonly text: string;
  readonly file: string;
  /** Folder against which its paths are resolved; that of the process where left out. */
  readonly root?: string;
  /** Folder of the comparison or benchmark; that of the recipe where left out. */
  readonly folder?: string;
}

/** Which cell of a method: under which change, if any, and with which seed; the recipe's own where undefined. */
interface Place {
  readonly change: ComparedVariant | null;
  readonly seed: number | undefined;
  readonly method: BenchmarkedMethod;
}

/**
 * The cells of a comparison or benchmark. The first seed comes first with all methods, so that there is something to see
 * early; a method comes behind the one it is on, and behind its own trials. Cells of a method with the same content are one: no
 * seed changes a model that is neither trained nor steered. One that is the same under every change is called after its method alone.
 *
 * @param set changes to every cell's recipe, made after all others.
 * @throws DiscernError `recipe-invalid`; `file-missing` for openings that a file should hold.
 */
export function cellsOf(described: Described, shared: SharedRecipe, set: readonly string[]): Cell[] {
  return new CellPlanner(described, shared, set).cells();
}

class CellPlanner {
  private readonly described: Described;
  private readonly shared: SharedRecipe;
  private readonly set: readonly string[];
  /** The openings that all methods are measured by, where the file states them. */
  private readonly openings: ReturnType<typeof frozenOpenings> | undefined;
  /** Trials by the name of their method: every seed and the methods on it ask for them. */
  private readonly trials = new Map<string, Cell[]>();

  constructor(described: Described, shared: SharedRecipe, set: readonly string[]) {
    const { openings } = described;
    this.described = described;
    this.shared = shared;
    this.set = set;
    const { root = ".", folder = root } = shared;
    this.openings = openings === undefined ? undefined : frozenOpenings(openings, folder);
  }

  cells(): Cell[] {
    const { seeds = [undefined], changes = [null] } = this.described;
    const methods = basesFirst(this.described.methods);
    const found = new Map<string, { cell: Cell; alone: Cell; under: Set<ComparedVariant | null> }>();
    for (const change of changes) {
      for (const seed of seeds) {
        for (const method of methods) {
          const place = { change, seed, method };
          if (method.controlOf !== undefined) {
            for (const cell of this.controlCells(place, method.controlOf)) {
              found.set(`${method.name} ${cell.id}`, { cell, alone: cell, under: new Set() });
            }
            continue;
          }
          const cell = this.methodCell(place, change);
          const key = `${method.name} ${cell.id}`;
          const known = found.get(key) ?? { cell, alone: this.methodCell(place, null), under: new Set() };
          found.set(key, known);
          known.under.add(change);
        }
      }
    }
    const cells = [...found.values()].map(({ cell, alone, under }) =>
      under.size > 1 && under.size === changes.length ? alone : cell,
    );
    return cells.flatMap((cell, i) => {
      const isFirst = cells.findIndex(({ method }) => method === cell.method) === i;
      return isFirst ? [...(this.trials.get(cell.method) ?? []), cell] : [cell];
    });
  }

  /** The cell of a method that becomes a row of the report. @param called the change that the cell is called after. */
  private methodCell(place: Place, called: ComparedVariant | null): Cell {
    const { name: ofAll, tuning } = this.described;
    const { method } = place;
    const names = [...(called === null ? [] : [called.name]), method.name].map(folderName);
    const recipe = this.recipe(place, asFileName([ofAll, ...names].join("-"), "run"));
    const base = this.baseOf(place);
    const trials = this.trialsOf(method).map(({ name }) => name);
    const tuned = tuning && trials.length > 0 ? { trials, measure: tuning.measure } : undefined;
    const taken = [
      ...(base ? [base.id] : []),
      ...(tuned ? [tuned.measure, ...this.trialsOf(method).map(({ id }) => id)] : []),
    ];
    return {
      id: contentId(recipe, taken),
      name: [...names, recipe.seed].join("-"),
      method: called === null ? method.name : `${method.name}, ${called.name}`,
      seed: recipe.seed,
      recipe,
      needs: [...(base ? [base.name] : []), ...trials],
      ...(base && { base: base.name }),
      ...(tuned && { tuned }),
    };
  }

  /** The draws of a control that are of one seed: each is the cell that it controls, with other vectors and perhaps fewer suites. */
  private controlCells({ change, seed, method }: Place, of: string): Cell[] {
    const { name: ofAll, seeds = [seed], methods } = this.described;
    const { type, draws, suites } = { ...controlDefaults, ...method.control };
    const controlled = this.methodCell(
      { change, seed, method: methods.find(({ name }) => name === of)! },
      change,
    );
    const { steering, evaluate } = controlled.recipe;
    const asked = evaluate.suites.filter(({ name }) => suites?.includes(name) ?? true);
    const own = Array.from({ length: draws }, (_, draw) => draw).filter(
      (draw) => seeds[draw % seeds.length] === seed,
    );
    return own.map((draw): Cell => {
      const name = `${folderName(method.name)}-${draw}`;
      const recipe: Recipe = {
        ...controlled.recipe,
        name: asFileName(`${ofAll}-${name}`, "run"),
        steering: steering && { ...steering, control: { type, seed: draw } },
        // Where none of them can be had, the draws answer what there is.
        evaluate: { ...evaluate, suites: asked.length > 0 ? asked : evaluate.suites },
      };
      return {
        id: contentId(recipe, [controlled.id]),
        ...{ name, method: method.name, seed: draw, recipe },
        needs: [...(controlled.base === undefined ? [] : [controlled.base]), controlled.name],
        ...(controlled.base !== undefined && { base: controlled.base }),
        controls: controlled.name,
      };
    });
  }

  /** The cell whose trained model a cell begins with. */
  private baseOf(place: Place): Cell | undefined {
    const base = this.described.methods.find(({ name }) => name === place.method.on);
    return base && this.methodCell({ ...place, method: base }, place.change);
  }

  /** The trials of a method's settings, with the first seed and on the validation suites; none of a method without `tune`. */
  private trialsOf(method: BenchmarkedMethod): Cell[] {
    const { name: ofAll, tuning, seeds } = this.described;
    if (tuning === undefined || method.tune === undefined) return [];
    const known = this.trials.get(method.name);
    if (known !== undefined) return known;
    const place = { change: null, seed: seeds?.[0], method };
    const base = this.baseOf(place);
    const cells = drawn(combinations(method.tune), tuning.trials, method.name).map((settings, i): Cell => {
      const name = `${folderName(method.name)}-trial-${i + 1}`;
      const own = [...asChanges({ "evaluate.suites": tuning.suites }), ...asChanges(settings)];
      const recipe = this.recipe(place, asFileName(`${ofAll}-${name}`, "run"), own);
      return {
        id: contentId(recipe, base ? [base.id] : []),
        name,
        method: method.name,
        seed: recipe.seed,
        recipe,
        needs: base ? [base.name] : [],
        ...(base && { base: base.name }),
        trial: { settings },
      };
    });
    this.trials.set(method.name, cells);
    return cells;
  }

  /**
   * The recipe of a cell. The changes of the file are made first, then those of the change, the method and the trial.
   *
   * @param own changes of a trial.
   */
  private recipe({ change, seed, method }: Place, name: string, own: readonly string[] = []): Recipe {
    const { suites, judges, set } = this.described;
    const { steering } = method;
    const changed = changedRecipe(this.shared.text, `${this.shared.file} (${method.name})`, {
      set: [
        ...(seed === undefined ? [] : [`seed=${seed}`]),
        ...(suites === undefined ? [] : asChanges({ "evaluate.suites": suites })),
        ...(judges === undefined ? [] : asChanges({ "evaluate.judges": judges })),
        ...(this.openings === undefined ? [] : asChanges({ "probes.openings": this.openings })),
        ...[set, change?.set ?? {}].flatMap(asChanges),
        ...(steering === undefined ? [] : asChanges({ steering })),
        ...asChanges(method.set),
        ...own,
        ...this.set,
      ],
      stages: method.on === undefined || trains(method) ? method.stages : [],
    });
    const made = withOpenings(changed, this.shared.root ?? ".");
    const isDrawn = made.stages.length > 0 || method.on !== undefined || made.steering !== undefined;
    return {
      ...made,
      // Nothing is drawn where nothing is trained or fitted.
      seed: isDrawn ? made.seed : 0,
      name,
      // The untrained model is a method of its own, where it is wanted: it answers once, and not again in every run.
      evaluate: { ...made.evaluate, before: false },
    };
  }
}

/** A control whose file says no more than which method it controls. */
const controlDefaults = { type: "random", draws: 10, suites: undefined } as const;

/** Methods in the order given, but each behind the one it is on, or controls. */
function basesFirst(methods: readonly BenchmarkedMethod[]): BenchmarkedMethod[] {
  const sorted = new Set<BenchmarkedMethod>();
  const add = (method: BenchmarkedMethod) => {
    const base = methods.find(({ name }) => name === (method.on ?? method.controlOf));
    if (base !== undefined) add(base);
    sorted.add(method);
  };
  for (const method of methods) add(method);
  return [...sorted];
}

/** Every combination of settings, the last key changing fastest. */
function combinations(tune: NonNullable<BenchmarkedMethod["tune"]>): Settings[] {
  return Object.entries(tune).reduce<Settings[]>(
    (all, [key, values]) => all.flatMap((settings) => values.map((value) => ({ ...settings, [key]: value }))),
    [{}],
  );
}

/** As many of the combinations as there are trials, in their order; which ones depends on the method's name alone. */
function drawn(all: readonly Settings[], trials: number, method: string): Settings[] {
  const chosen = new Set(shuffled(all, stream(0, "trials", method)).slice(0, trials));
  return all.filter((settings) => chosen.has(settings));
}

/** Settings as changes of a recipe, `key.path=value` each. */
export function asChanges(set: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
}

/**
 * What tells a run from every other: all that decides what it computes, and not what it is called.
 *
 * @param taken what decides what the run takes from others.
 */
export function contentId({ $schema: _, name: __, ...recipe }: Recipe, taken: readonly string[]): string {
  const { base, adapters } = recipe.model;
  // A model alone counts as its name, as in the plans of earlier versions.
  const content = adapters.length === 0 ? { ...recipe, model: base } : recipe;
  const whole = taken.length === 0 ? content : { content, taken };
  return createHash("sha256").update(JSON.stringify(whole)).digest("hex").slice(0, 12);
}
