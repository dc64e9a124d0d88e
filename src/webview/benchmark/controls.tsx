import type { BenchmarkPageState } from "../../protocol/webview/benchmark.ts";
import type { Matrix } from "./matrix.ts";

/** Which measure is shown, and by which judge. */
export function Controls({
  matrix: { choices, chosen, judge },
  onChange,
}: {
  matrix: Matrix;
  onChange: (change: Partial<BenchmarkPageState>) => void;
}) {
  if (chosen === undefined) {
    return <p class="muted">Figures appear as soon as a run has finished.</p>;
  }
  const { direction, description } = chosen.definition;
  return (
    <div class="controls">
      <label class="field">
        Measure
        <select
          value={chosen.key}
          onChange={({ currentTarget }) => onChange({ measure: currentTarget.value })}
        >
          {choices.map(({ key, title }) => (
            <option key={key} value={key}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {chosen.judges.length > 1 && (
        <label class="field">
          Judge
          <select value={judge} onChange={({ currentTarget }) => onChange({ judge: currentTarget.value })}>
            {chosen.judges.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="muted about">
        {description}
        {direction !== "none" && ` ${direction === "higher" ? "Higher" : "Lower"} is better.`}
      </p>
    </div>
  );
}
