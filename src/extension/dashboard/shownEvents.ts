import type { RunEvent } from "../../protocol/events.ts";
import type { ShownEvent } from "../../protocol/webview/dashboard.ts";

/** What the dashboard draws of an event, as short as it can travel; null for events that change no chart. */
export function shownEvent(event: RunEvent): ShownEvent | null {
  switch (event.type) {
    case "step":
      return [
        event.globalStep,
        event.stage,
        event.loss,
        event.learningRate,
        event.separation ?? null,
        event.retention ?? null,
      ];
    case "run-started": {
      const { hashes: _, ...shown } = event;
      return shown;
    }
    case "resumed":
    case "telemetry":
    case "stage-started":
    case "probe":
    case "warning":
      return event;
    default:
      return null;
  }
}
