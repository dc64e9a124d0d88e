import type { ReliabilityBin } from "../../statistics/calibration.ts";
import { figure, percent } from "../../wording/numbers.ts";
import { LineChart } from "./lineChart.tsx";

/** The bins of one method, or of one list of openings. */
export interface ReliabilityLine {
  readonly key: string;
  readonly name: string;
  readonly class: string;
  readonly shape: number;
  readonly bins: readonly ReliabilityBin[];
}

/** Refusal probability against the share of sampled answers that refuse, with the diagonal of perfect calibration. */
export function ReliabilityPlot({ lines }: { lines: readonly ReliabilityLine[] }) {
  const words = lines.flatMap(({ name, bins }) => {
    const last = bins.at(-1);
    return last === undefined
      ? []
      : [
          `${name}: where the probability is highest, ${figure(last.probability)}, ${percent(last.refused)} refuse.`,
        ];
  });
  return (
    <LineChart
      label={`Reliability of the refusal probability. ${words.join(" ")}`}
      plane
      x={{ title: "refusal probability", from: 0, to: 1 }}
      y={{ title: "sampled answers that refuse", from: 0, to: 1 }}
      lines={lines.map(({ key, class: style, shape, bins }) => ({
        ...{ key, class: style, shape, marks: "each" },
        points: bins.map(({ probability, refused }) => ({ x: probability, y: refused })),
      }))}
    />
  );
}

/** What the plot shows, in words beside it. */
export const reliabilityWords =
  "Prompts are sorted by refusal probability and cut into bins of equal size. On the dashed diagonal as many sampled answers refuse as " +
  "the probability says; below it, the probability promises more refusals than there are.";
