import { count, figure } from "../../wording/numbers.ts";
import { HelpButton } from "../ui/help.tsx";
import { IconButton } from "../ui/iconButton.tsx";
import type { Range } from "../ui/plotSpec.ts";
import { panned, zoomed } from "./model/view.ts";

/** How the charts are looked at: smoothing, and the steps in view. It stays in sight. */
export function Controls({
  smoothing,
  smooth,
  steps,
  whole,
  look,
  seeds,
  showSeeds,
  add,
}: {
  smoothing: number;
  smooth: (weight: number) => void;
  /** Steps in view; null for all. */
  steps: Range | null;
  whole: Range;
  look: (steps: Range | null) => void;
  /** How several seeds of a method are drawn; null where there are none. */
  seeds: "mean" | "each" | null;
  showSeeds: (seeds: "mean" | "each") => void;
  add: () => void;
}) {
  const view = steps ?? whole;
  return (
    <div class="controls toolbar" role="toolbar" aria-label="View">
      <label class="smoothing">
        Smoothing
        <input
          type="range"
          min="0"
          max="0.98"
          step="0.02"
          value={smoothing}
          aria-valuetext={smoothing === 0 ? "none" : figure(smoothing)}
          onInput={({ currentTarget }) => smooth(Number(currentTarget.value))}
        />
        <output>{figure(smoothing)}</output>
      </label>
      <span class="group">
        <IconButton icon="zoom-in" name="Zoom in" press={() => look(zoomed(view, whole, 1.5))} />
        <IconButton
          icon="zoom-out"
          name="Zoom out"
          disabled={steps === null}
          press={() => look(zoomed(view, whole, 1 / 1.5))}
        />
        <IconButton
          icon="arrow-left"
          name="Earlier steps"
          disabled={steps === null}
          press={() => look(panned(view, whole, -0.25))}
        />
        <IconButton
          icon="arrow-right"
          name="Later steps"
          disabled={steps === null}
          press={() => look(panned(view, whole, 0.25))}
        />
        <IconButton
          icon="screen-normal"
          name="Show all steps"
          disabled={steps === null}
          press={() => look(null)}
        />
      </span>
      {seeds !== null && (
        <select
          aria-label="Seeds"
          value={seeds}
          onChange={({ currentTarget }) => showSeeds(currentTarget.value as "mean" | "each")}
        >
          <option value="mean">mean of seeds</option>
          <option value="each">each seed</option>
        </select>
      )}
      <span class="muted hint">
        {steps === null
          ? "Drag across a chart or use Ctrl + wheel to zoom; Shift + drag to pan."
          : `Steps ${count(Math.round(steps.min))} to ${count(Math.round(steps.max))}`}
      </span>
      <span class="actions">
        <vscode-button appearance="secondary" onClick={add}>
          Compare with…
        </vscode-button>
        <HelpButton />
      </span>
    </div>
  );
}
