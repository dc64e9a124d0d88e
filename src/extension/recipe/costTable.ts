import type { Cost } from "../../recipe/cost.ts";
import { byteSize, duration } from "../../wording/numbers.ts";

/** What a run costs, in one line: "≈ 5 min · 2.4 GB of memory". */
export function costLine(cost: Cost): string {
  return `≈ ${duration(cost.seconds)} · ${byteSize(cost.memoryBytes)} of memory`;
}

/** A choice and what a run then costs. */
export interface CostRow {
  readonly name: string;
  readonly cost: Pick<Cost, "seconds" | "memoryBytes" | "diskBytes">;
  readonly chosen: boolean;
}

/** A table of costs in Markdown: one row a choice, the chosen one in bold. Names must be free of Markdown. */
export function costTable(rows: readonly CostRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = rows.map(({ name, cost, chosen }) => {
    const cells = [name, duration(cost.seconds), byteSize(cost.memoryBytes), byteSize(cost.diskBytes)];
    return line(chosen ? cells.map((cell) => `**${cell}**`) : cells);
  });
  return [line(["", "time", "memory", "disk"]), "| --- | ---: | ---: | ---: |", ...body].join("\n");
}
