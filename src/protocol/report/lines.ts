import { estimate, figure, interval } from "../../wording/numbers.ts";
import { POOLED } from "../suite.ts";
import {
  type Group,
  headlineRows,
  type MeasureDefinition,
  type MeasureRow,
  type Measures,
  seedRows,
} from "./measures.ts";
import { type JudgeInfo, people, refusalJudge } from "./verdicts.ts";

/** A measure of one group of prompts as one judge sees it: what every surface shows as one line, card or table. */
export interface MeasureLine {
  readonly key: string;
  readonly definition: MeasureDefinition;
  readonly group: Group;
  readonly judge?: string;
  /** Who judged, in words; of agreement both. */
  readonly by?: string;
  /** The measure, and its prompts and judge where there are several. */
  readonly title: string;
  /** Its rows, in the order of the report. */
  readonly rows: readonly MeasureRow[];
}

/** The lines of a report's measures, in the order of the table of measures. */
export function measureLines(measures: Measures, judges: readonly JudgeInfo[]): MeasureLine[] {
  const first = refusalJudge(judges);
  return measures.definitions.flatMap((definition) => {
    const rows = measures.rows.filter(({ measure }) => measure === definition.id);
    const groups = new Set(rows.map(({ group }) => group));
    const lines = Map.groupBy(rows, ({ group, judge, other }) => JSON.stringify([group, judge, other]));
    return [...lines].map(([key, own]): MeasureLine => {
      const { group, judge, other } = own[0]!;
      const titleOf = (id: string) =>
        id === people ? "people" : (judges.find((each) => each.id === id)?.title ?? id);
      const by = judge && (other ? `${titleOf(other)} and ${titleOf(judge)}` : titleOf(judge));
      const title = [
        definition.title,
        groups.size > 1 && group !== "all" && `${group} prompts`,
        judge !== first && by,
      ];
      return {
        ...{ key: `${definition.id} ${key}`, definition, group, rows: own },
        ...(judge !== undefined && { judge }),
        ...(by !== undefined && { by }),
        title: title.filter(Boolean).join(", "),
      };
    });
  });
}

/** The row of a line that stands for a method over all suites, and those of its seeds where it has several. */
export interface Headline {
  readonly row: MeasureRow;
  readonly seeds: readonly MeasureRow[];
}

/** What a line comes to for a method over all suites; undefined where it was not measured. */
export function headlineOf(line: MeasureLine, method: string): Headline | undefined {
  const row = headlineRows(line.rows).find((one) => one.method === method);
  if (row === undefined) return undefined;
  return { row, seeds: row.seed === null ? seedRows(line.rows, row) : [] };
}

/** Suites of a line in the order of the report; all together last, where there are several. */
export function suitesOf({ rows }: MeasureLine): string[] {
  const suites = [...new Set(rows.map(({ suite }) => suite))].filter((suite) => suite !== POOLED);
  return suites.length > 1 && rows.some(({ suite }) => suite === POOLED) ? [...suites, POOLED] : suites;
}

/** A row's estimate with its interval in words. */
export function rowWords(
  { estimate: value, interval: range }: MeasureRow,
  { unit }: MeasureDefinition,
): string {
  return estimate(value === null ? null : { value, ...range }, unit);
}

/** What a row rests on and leaves out: "12 of 60, 3 undetermined, within [20, 25]"; and what guessing comes to. */
export function rowBasis({ n, count, undetermined, bounds, seed, chance }: MeasureRow): string {
  const of =
    seed === null ? `${n} seeds` : n === null ? "" : count === undefined ? `${n}` : `${count} of ${n}`;
  const left =
    undetermined === undefined
      ? ""
      : `${undetermined} undetermined${bounds ? `, within ${interval(bounds, "share")}` : ""}`;
  const guessing = chance === undefined ? "" : `chance ${figure(chance, "share")}`;
  return [of, left, guessing].filter(Boolean).join(", ");
}
