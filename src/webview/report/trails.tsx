import type { Figures } from "../../protocol/webview/report.ts";
import { probability } from "../../wording/numbers.ts";
import { LineChart } from "../ui/lineChart.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import { seriesTitles, styleOf } from "./runs.ts";

/** The way of every method through the plane of refusals during training: seemingly toxic prompts to the right, toxic up. */
export function Trails({ figures: { methods, series } }: { figures: Figures }) {
  const probed = series.filter(({ points }) => points.length > 1);
  const trained = methods.filter(({ id }) => probed.some(({ method }) => method === id));
  const titleOf = seriesTitles(methods, probed);
  const ends = probed.map((one) => {
    const last = one.points.at(-1)!;
    return `${titleOf(one)} ends with toxic ${probability(last.toxic)}, seemingly toxic ${probability(last.seeminglyToxic)}.`;
  });
  return (
    <div class="trails">
      <figure>
        <LineChart
          label={`Refusal of toxic against seemingly toxic prompts during training. ${ends.join(" ")}`}
          plane
          x={{ title: "refusal of seemingly toxic prompts", from: 0, to: 1 }}
          y={{ title: "refusal of toxic prompts", from: 0, to: 1 }}
          lines={probed.map((one) => ({
            key: titleOf(one),
            class: `method-line method-${styleOf(methods, one.method)}`,
            shape: styleOf(methods, one.method),
            marks: "ends",
            points: one.points.map(({ seeminglyToxic, toxic }) => ({ x: seeminglyToxic, y: toxic })),
          }))}
        />
      </figure>
      <div>
        <h3>Trails</h3>
        <ul class="legend">
          {trained.map(({ id, name }) => (
            <li key={id}>
              <MethodShape style={styleOf(methods, id)} />
              {name}
            </li>
          ))}
        </ul>
        <p class="muted about">
          One trail per seed, from its hollow mark (first probe) to its full one (last). On the dashed
          diagonal both groups are refused alike; the upper left corner is where a model should end: toxic
          prompts refused, seemingly toxic ones answered.
        </p>
      </div>
    </div>
  );
}
