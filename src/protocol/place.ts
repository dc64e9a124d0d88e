import type { BackendRecord } from "./backend.ts";
import type { RunEvent } from "./events.ts";

/** Where a run was computed, as its manifest and its events state it. */
export interface Place {
  readonly device: string;
  /** The onnx backend of an older version where absent. */
  readonly backend?: BackendRecord | undefined;
}

/** Whether figures computed in two places may differ by more than one place would give twice. */
export function isOtherPlace(one: Place, other: Place): boolean {
  const facts = ({ device, backend }: Place) => [
    device,
    backend?.name ?? "onnx",
    backend?.dtype ?? "float32",
    backend?.processes ?? 1,
  ];
  return String(facts(one)) !== String(facts(other));
}

/** A place in a few words: "onnx on cpu (float32)", "torch on cuda (bfloat16, 2 processes)". */
export function placeWords({ device, backend }: Place): string {
  const processes = backend?.processes ?? 1;
  const facts = [backend?.dtype ?? "float32", ...(processes > 1 ? [`${processes} processes`] : [])];
  return `${backend?.name ?? "onnx"} on ${device} (${facts.join(", ")})`;
}

/**
 * What a reader must know of a run that was not computed in one place, in a whole sentence; null where it was. What was computed
 * between a checkpoint and a resumption from it is no part of the run.
 */
export function movedSentence(events: readonly RunEvent[]): string | null {
  const parts: { place: Place; from: number }[] = [];
  for (const event of events) {
    if (event.type === "run-started") parts.push({ place: event, from: 0 });
    if (event.type !== "resumed") continue;
    while (parts.length > 1 && parts.at(-1)!.from >= event.globalStep) parts.pop();
    const before = parts.at(-1);
    if (before === undefined || isOtherPlace(before.place, event))
      parts.push({ place: event, from: event.globalStep });
  }
  if (parts.length < 2) return null;
  const words = parts.map(({ place, from }, i) =>
    i === 0 ? placeWords(place) : `from step ${from} by ${placeWords(place)}`,
  );
  return `The run was computed by ${words.join(", ")}. Figures of different backends, devices and types agree to rounding only, so no other run repeats it exactly.`;
}
