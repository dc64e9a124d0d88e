import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { Settings } from "../protocol/cells.ts";
import type { StageKind } from "../protocol/recipeStages.ts";
import type { Dimension, Sweep, SweptRange, SweptVariant } from "../protocol/sweep.ts";
import { stream } from "../statistics/random.ts";

/** One combination of a sweep. */
export interface SweepTrial {
  /** What varies, by its name; a variant by its own name. What a variant alone has is absent from the others. */
  readonly varied: Settings;
  /** Changes to the recipe, those of variants included. */
  readonly settings: Settings;
  /** Kinds of stages that it keeps; undefined where the sweep decides. */
  readonly stages: readonly StageKind[] | undefined;
}

type Searched = Pick<Sweep, "space" | "variants" | "search">;

/** The combinations of a sweep in the order in which they are tried: the last key changes fastest, or as they are drawn. */
export function sweepTrials(sweep: Searched): SweepTrial[] {
  const { search } = sweep;
  const trials =
    search.type === "grid" || search.trials === undefined
      ? distinct(grid(sweep))
      : randomTrials(sweep, search.trials, search.seed);
  return trials;
}

const nothing: SweepTrial = { varied: {}, settings: {}, stages: undefined };

/** Every combination; variants change slowest. */
function grid({ space, variants }: Searched): SweepTrial[] {
  let all = [nothing];
  for (const [name, list] of Object.entries(variants)) {
    all = all.flatMap((trial) =>
      list.flatMap((variant) => crossed([withVariant(trial, name, variant)], variant.space)),
    );
  }
  return crossed(all, space);
}

function crossed(trials: readonly SweepTrial[], space: Sweep["space"]): SweepTrial[] {
  return Object.entries(space).reduce<SweepTrial[]>(
    (all, [key, dimension]) =>
      all.flatMap((trial) => gridValues(dimension).map((value) => withValue(trial, key, value))),
    [...trials],
  );
}

type Json = Settings[string];

function withVariant(trial: SweepTrial, name: string, variant: SweptVariant): SweepTrial {
  return {
    varied: { ...trial.varied, [name]: variant.name },
    settings: { ...trial.settings, ...variant.set },
    stages: variant.stages ?? trial.stages,
  };
}

function withValue(trial: SweepTrial, key: string, value: Json): SweepTrial {
  return {
    ...trial,
    varied: { ...trial.varied, [key]: value },
    settings: { ...trial.settings, [key]: value },
  };
}

/** The values of a grid: those of a list, or evenly spread over a range with both ends. */
function gridValues(dimension: Dimension): readonly Json[] {
  if (Array.isArray(dimension)) return dimension;
  const { count = 2 } = dimension;
  return Array.from({ length: count }, (_, i) => within(dimension, i / (count - 1)));
}

/** The value at a share of a range, as a person would write it: four significant digits. */
function within({ from, to, scale, int }: SweptRange, share: number): number {
  const value =
    scale === "log"
      ? Math.exp(Math.log(from) + share * (Math.log(to) - Math.log(from)))
      : from + share * (to - from);
  const written = int ? Math.round(value) : Number(value.toPrecision(4));
  return Math.min(to, Math.max(from, written));
}

/**
 * So many combinations, each key drawn from a stream of its own, so that a key that is added changes no draw of the others. A
 * combination that was drawn before is drawn anew.
 */
function randomTrials(sweep: Searched, count: number, seed: number): SweepTrial[] {
  const found = new Map<string, SweepTrial>();
  // What is left of a small space is found late; a thousand draws for each trial is as good as never.
  for (let draw = 0; found.size < count && draw < 1000 * count; draw++) {
    const trial = randomTrial(sweep, seed, draw);
    const key = JSON.stringify(trial.varied);
    if (!found.has(key)) found.set(key, trial);
  }
  return [...found.values()];
}

function randomTrial({ space, variants }: Searched, seed: number, draw: number): SweepTrial {
  let trial = nothing;
  const values = (of: Sweep["space"], owner: string) => {
    for (const [key, dimension] of Object.entries(of)) {
      const random = stream(seed, "sweep", draw, owner, key);
      const value = Array.isArray(dimension)
        ? dimension[uniformInt(random, 0, dimension.length - 1)]!
        : within(dimension, uniformFloat32(random));
      trial = withValue(trial, key, value);
    }
  };
  for (const [name, list] of Object.entries(variants)) {
    const variant = list[uniformInt(stream(seed, "sweep", draw, name), 0, list.length - 1)]!;
    trial = withVariant(trial, name, variant);
    values(variant.space, `${name} ${variant.name}`);
  }
  values(space, "");
  return trial;
}

/** Whole numbers of a narrow range may coincide. */
function distinct(trials: readonly SweepTrial[]): SweepTrial[] {
  return [...new Map(trials.map((trial) => [JSON.stringify(trial.varied), trial])).values()];
}
