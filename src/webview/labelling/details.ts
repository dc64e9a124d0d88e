import { LRUCache } from "lru-cache";
import type { PromptDetail } from "../../protocol/webview/labelling.ts";

/** Prompts that are kept in full: enough to go back some steps without waiting. */
const KEPT = 20;

/** The prompts that the page knows in full, the present one and its neighbours. */
export class PromptDetails {
  private readonly asked = new Set<number>();
  private readonly details = new LRUCache<number, PromptDetail>({
    max: KEPT,
    noDisposeOnSet: true,
    // What is dropped must be asked for again.
    dispose: (_, place) => this.asked.delete(place),
  });

  get(place: number): PromptDetail | undefined {
    return this.details.get(place);
  }

  /** Those of some places that must be asked for. */
  missing(places: Iterable<number>): number[] {
    const missing = [...places].filter((place) => !this.asked.has(place));
    for (const place of missing) this.asked.add(place);
    return missing;
  }

  take(detail: PromptDetail): void {
    this.details.set(detail.place, detail);
  }

  /** Has everything asked for again; until the answers come, what is known stays shown. */
  stale(): void {
    this.asked.clear();
  }

  /** Forgets everything, since the file is another. */
  clear(): void {
    this.details.clear();
    this.asked.clear();
  }
}
