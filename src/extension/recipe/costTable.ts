import type { Cost, EvaluationCost } from "../../recipe/cost.ts";
import { byteSize, counted, duration } from "../../wording/numbers.ts";

/** What a run costs, in one line: "≈ 5 min · 2.4 GB of memory", or of GPU memory. */
export function costLine({ seconds, memoryBytes, memoryOf }: Cost): string {
  return `≈ ${duration(seconds)} · ${byteSize(memoryBytes)} of ${memoryOf}`;
}

/** A choice and what a run then costs. */
export interface CostRow {
  readonly name: string;
  readonly cost: Pick<Cost, "seconds" | "memoryBytes" | "diskBytes">;
  readonly chosen: boolean;
}

/** A table of costs in Markdown: one row a choice, the chosen one in bold. Names must be free of Markdown. */
export function costTable(rows: readonly CostRow[], memory: Cost["memoryOf"]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = rows.map(({ name, cost, chosen }) => {
    const cells = [name, duration(cost.seconds), byteSize(cost.memoryBytes), byteSize(cost.diskBytes)];
    return line(chosen ? cells.map((cell) => `**${cell}**`) : cells);
  });
  return [line(["", "time", memory, "disk"]), "| --- | ---: | ---: | ---: |", ...body].join("\n");
}

/**
 * What the parts of a run cost, one row each.
 *
 * @param stage index of the one that is chosen; null for none.
 */
export function partRows(cost: Cost, stage: number | null): CostRow[] {
  const measurements = [...cost.laboratory.measurements.values()].reduce((sum, count) => sum + count, 0);
  const part = (name: string, seconds: number): CostRow => ({
    name,
    cost: { ...cost, seconds },
    chosen: false,
  });
  return [
    ...cost.stages.map((each, i) => ({
      name: `stage ${i + 1}, ${each.kind}: ${each.steps} steps`,
      cost: { ...each, diskBytes: cost.diskBytes },
      chosen: stage === i,
    })),
    part(`${cost.probes.count} probes`, cost.probes.seconds),
    ...(measurements > 0
      ? [part(`${counted(measurements, "measurement")} of the laboratory`, cost.laboratory.seconds)]
      : []),
    ...(cost.making.answers > 0
      ? [part(`${cost.making.answers} answers to learn from`, cost.making.seconds)]
      : []),
    part(evaluationWords(cost.evaluation), cost.evaluation.seconds),
  ];
}

/** "200 answers, 1,600 sampled, 200 requests to judges; without the time of 1 model that judges" */
function evaluationWords({ answers, sampled, requests, judgeModels }: EvaluationCost): string {
  const parts = [
    `${answers} answers`,
    ...(sampled > 0 ? [`${sampled} sampled`] : []),
    ...(requests > 0 ? [`${counted(requests, "request")} to judges`] : []),
  ].join(", ");
  return judgeModels > 0
    ? `${parts}; without the time of ${counted(judgeModels, "model")} that ${judgeModels === 1 ? "judges" : "judge"}`
    : parts;
}
