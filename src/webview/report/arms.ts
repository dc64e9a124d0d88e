import type { Arm, ArmSeries } from "../../protocol/report.ts";

/** So many arms are told apart by colour and shape; with more, styles come again and names alone tell. */
const STYLES = 6;

/** Names of the arms in the order of the report, without repeats for seeds. */
export function armNames(arms: readonly Pick<Arm, "name">[]): string[] {
  return [...new Set(arms.map(({ name }) => name))];
}

/** The style of an arm: the same colour and shape wherever it is shown. */
export function styleOf(names: readonly string[], name: string): number {
  return Math.max(0, names.indexOf(name)) % STYLES;
}

/** What an arm and seed are called; the seed is left out where there is only one. */
export function armTitle(arms: readonly Pick<Arm, "name" | "seed">[], index: number): string {
  const { name, seed } = arms[index]!;
  return arms.filter((arm) => arm.name === name).length > 1 ? `${name}, seed ${seed}` : name;
}

/**
 * The two arms that a reader most wants to see side by side: the last one, and of the recipe before it the run with the
 * same seed.
 *
 * @returns two indices, equal where there is only one arm
 */
export function defaultPair(arms: readonly Pick<Arm, "name" | "seed">[]): [left: number, right: number] {
  const right = arms.length - 1;
  const last = arms[right];
  const sameSeed = arms.findLastIndex(({ name, seed }) => name !== last?.name && seed === last?.seed);
  const other = sameSeed >= 0 ? sameSeed : arms.findLastIndex(({ name }) => name !== last?.name);
  return [other >= 0 ? other : right, right];
}

/** The arm of a name and seed; where that seed is missing, the first of the name. */
export function armIndex(arms: readonly Pick<Arm, "name" | "seed">[], name: string, seed: number): number {
  const exact = arms.findIndex((arm) => arm.name === name && arm.seed === seed);
  return exact >= 0 ? exact : arms.findIndex((arm) => arm.name === name);
}

/** What each series is called: its method, with the seed where there are several. */
export function seriesTitles(series: readonly ArmSeries[]): (one: ArmSeries) => string {
  const several = new Set(series.map(({ seed }) => seed)).size > 1;
  return ({ arm, seed }) => (several ? `${arm}, seed ${seed}` : arm);
}
