import { type Arm, BEFORE, isBefore, numbered } from "../../protocol/report.ts";

/** The arms of one report, and what belongs to each by its name and seed. */
export interface ReportPart {
  /** Where it was read from, as a person named it. */
  readonly from?: string;
  readonly arms: readonly Arm[];
  readonly series: readonly { readonly arm: string; readonly seed: number }[];
}

/**
 * Tells runs apart that have one name and seed. Every figure is known by them, so one such run would stand for both, and
 * the same seed twice is no second draw of the training's luck. The later ones get a number behind their name and are
 * thereby methods of their own: nobody pools them as seeds.
 *
 * @param parts reports in the order in which they are to be shown; `series` beyond arm and seed stays as it is.
 * @returns the parts with names that differ, and what a reader must know of it.
 */
export function distinctRuns<P extends ReportPart>(parts: readonly P[]): { parts: P[]; notes: string[] } {
  const used = new Set<string>();
  const changed: string[] = [];
  const found = parts.map((part) => {
    const names = new Map<string, string[]>();
    const arms = part.arms.map((arm) => {
      let n = 1;
      while (used.has(keyOf(numbered(arm.name, n), arm.seed))) n++;
      const name = numbered(arm.name, n);
      used.add(keyOf(name, arm.seed));
      const key = keyOf(arm.name, arm.seed);
      names.set(key, [...(names.get(key) ?? []), name]);
      if (n > 1 && !isBefore(arm.name)) {
        const whose = part.from === undefined ? "another" : `${part.from}, another`;
        changed.push(`"${name}" is ${whose} run of name "${arm.name}" and seed ${arm.seed}`);
      }
      return n > 1 ? { ...arm, name } : arm;
    });
    // The n-th series of a name and seed belongs to the n-th of its arms.
    const series = part.series.map((one) => {
      const [name = one.arm, ...rest] = names.get(keyOf(one.arm, one.seed)) ?? [];
      if (rest.length > 0) names.set(keyOf(one.arm, one.seed), rest);
      return name === one.arm ? one : { ...one, arm: name };
    });
    return { ...part, arms, series };
  });
  const untrained = found.flatMap(({ arms }) => arms).filter(({ name }) => isBefore(name));
  return {
    parts: found,
    notes: [
      ...(changed.length > 0
        ? [`${changed.join("; ")}: they are shown as methods of their own, not as seeds of one.`]
        : []),
      ...(untrained.some(({ name }) => name !== BEFORE)
        ? [
            "The models before training gave different answers: other models, prompts or settings were compared.",
          ]
        : []),
    ],
  };
}

const keyOf = (name: string, seed: number) => `${seed} ${name}`;
