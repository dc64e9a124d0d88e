import { type LabelByte, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import type { LabelFilter, PromptOrder, Query } from "../../protocol/webview/labelling.ts";
import { type LabelledPrompts, labelByte } from "./prompts.ts";

/**
 * The places of the prompts that a query asks for, in its order; ties keep the file's order.
 *
 * @param probability refusal probability of a prompt in the newest run, in [0, 1]; undefined where it was not asked
 */
export function listPlaces(
  prompts: LabelledPrompts,
  query: Query,
  probability: (id: string) => number | undefined,
): Uint32Array {
  const wanted = query.text.trim().toLocaleLowerCase();
  const places: number[] = [];
  const ranks = new Float32Array(prompts.records.length);
  for (const [place, record] of prompts.records.entries()) {
    const label = unpackLabel(labelByte(prompts, record));
    if (!passes(label, query.label)) continue;
    if (wanted !== "" && !`${record.kind ?? ""}\n${record.prompt}`.toLocaleLowerCase().includes(wanted)) {
      continue;
    }
    ranks[place] = rank(query.order, label, probability(record.id));
    places.push(place);
  }
  if (query.order !== "file") places.sort((a, b) => ranks[a]! - ranks[b]! || a - b);
  return Uint32Array.from(places);
}

function passes({ state, disputed }: LabelByte, filter: LabelFilter): boolean {
  if (filter === "all") return true;
  return filter === "disputed" ? disputed : state === filter;
}

/** Smaller comes first. Prompts that were only seen come after those nobody has looked at. */
function rank(order: PromptOrder, { state, disputed }: LabelByte, probability: number | undefined): number {
  switch (order) {
    case "file":
      return 0;
    case "unlabelled":
      return state === "unlabelled" ? 0 : state === "skipped" ? 1 : 2;
    case "disputed":
      return disputed ? 0 : 1;
    case "informative":
      return probability === undefined ? 1 : Math.abs(probability - 0.5);
  }
}
