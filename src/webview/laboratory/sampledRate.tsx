import { calibrationContract } from "../../protocol/probe/calibration.ts";
import type { RunResultsRequest } from "../../protocol/webview/laboratory.ts";

/**
 * Offers the sampled rate beside a curve of refusal probability, which may end far from what greedy answers do: the probe of calibration
 * samples answers at the run's states. What it costs is shown before it starts.
 */
export function OfferSampledRate({
  run,
  disabled = false,
  ask,
}: {
  /** Name of the run, where the page shows several. */
  run?: string;
  /** While somebody works on the run: measuring would slow its training. */
  disabled?: boolean;
  ask: (request: RunResultsRequest) => void;
}) {
  return (
    <p class="offer">
      <button
        type="button"
        class="button"
        disabled={disabled}
        onClick={() => ask({ type: "measure", probe: calibrationContract.id })}
      >
        Measure the Sampled Refusal Rate{run === undefined ? "" : ` of ${run}`}…
      </button>
    </p>
  );
}
