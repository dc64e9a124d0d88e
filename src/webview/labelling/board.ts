import type { Label } from "../../protocol/label.ts";
import { labelOfByte, unpackLabel } from "../../protocol/webview/labelBytes.ts";

/** How many prompts carry each label. */
export interface Counts extends Record<Label, number> {
  total: number;
  labelled: number;
  disputed: number;
}

/** The labels of all prompts of the file, a byte each, and their counts kept up to date. */
export class LabelBoard {
  private readonly labels: Uint8Array;
  readonly counts: Counts;

  constructor(labels: Uint8Array) {
    this.labels = labels;
    this.counts = {
      total: labels.length,
      labelled: 0,
      disputed: 0,
      toxic: 0,
      seemingly_toxic: 0,
      general: 0,
    };
    for (const byte of labels) this.count(byte, 1);
  }

  /** The label byte of the prompt at a place of the file. */
  at(place: number): number {
    return this.labels[place] ?? 0;
  }

  /** Takes what the host says of some prompts. */
  take(places: Uint32Array, labels: Uint8Array): void {
    for (const [i, place] of places.entries()) {
      this.count(this.at(place), -1);
      this.labels[place] = labels[i]!;
      this.count(labels[i]!, 1);
    }
  }

  private count(byte: number, by: 1 | -1): void {
    const label = labelOfByte(byte);
    if (label !== undefined) {
      this.counts[label] += by;
      this.counts.labelled += by;
    }
    if (unpackLabel(byte).disputed) this.counts.disputed += by;
  }
}
