import type { LabelChoice } from "../../protocol/webview/labelling.ts";

/** A label that the host was asked to write. */
export interface LabelRequest {
  label: LabelChoice;
  ids: string[];
  /** Whether it only saves a note. */
  noteOnly: boolean;
  /** Place of the first of the prompts. */
  place: number;
}

/** The labels that the host was asked to write and has not answered for yet, by number. */
export class LabelRequests {
  private readonly waiting = new Map<number, LabelRequest>();
  private last = 0;

  /** @returns the number by which the host answers */
  add(request: LabelRequest): number {
    this.waiting.set(++this.last, request);
    return this.last;
  }

  /** Takes out what the host answers. */
  take(number: number): LabelRequest | undefined {
    const request = this.waiting.get(number);
    this.waiting.delete(number);
    return request;
  }
}
