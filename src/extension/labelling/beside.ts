import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import type { Beside } from "../../protocol/webview/labelling.ts";
import { type LabelledPrompts, placesById } from "./prompts.ts";

/** Finds what a prompt is best seen against: its twin, or else the most similar prompt of the opposite label. */
export class Companions {
  private readonly prompts: LabelledPrompts;
  private readonly pairs = new Map<string, number[]>();
  private readonly places: Map<string, number[]>;
  private index: Promise<NearestIndex> | undefined;
  private indexed = false;

  constructor(prompts: LabelledPrompts) {
    this.prompts = prompts;
    this.places = placesById(prompts.records);
    for (const [place, { pair }] of prompts.records.entries()) {
      if (pair === undefined) continue;
      const members = this.pairs.get(pair);
      if (members) members.push(place);
      else this.pairs.set(pair, [place]);
    }
  }

  /** The other prompt of a pair; undefined where there is none. */
  twin(record: PromptRecord): Beside | undefined {
    const members = this.pairs.get(record.pair ?? "") ?? [];
    const others = members.filter((place) => this.prompts.records[place]!.id !== record.id);
    const label = this.prompts.labelOf(record);
    // A pair may have more than two members; the telling one is labelled otherwise.
    const other = others.find((place) => this.prompts.labelOf(this.prompts.records[place]!) !== label);
    const place = other ?? others[0];
    return place === undefined ? undefined : this.beside(place, "twin");
  }

  /** Whether the nearest prompt is found at once. */
  get isIndexed(): boolean {
    return this.indexed;
  }

  /**
   * The most similar prompt of the opposite label; undefined where none is like it. The index over all prompts is built
   * when it is first needed, which takes half a second for 80,000.
   */
  async nearest(record: PromptRecord): Promise<Beside | undefined> {
    this.index ??= NearestIndex.build(this.prompts.records);
    const index = await this.index;
    this.indexed = true;
    const label = this.prompts.labelOf(record);
    const near = index.nearest(record, (candidate) => opposite(label, this.prompts.labelOf(candidate)));
    const place = near && this.places.get(near.second.id)?.[0];
    return place === undefined ? undefined : this.beside(place, "nearest", near!.similarity);
  }

  private beside(place: number, why: Beside["why"], similarity?: number): Beside {
    const record = this.prompts.records[place]!;
    return {
      place,
      line: record.line,
      prompt: record.prompt,
      label: this.prompts.labelOf(record),
      why,
      similarity,
    };
  }
}

/** Toxic prompts stand against those that should be answered; to a prompt without a label any labelled one says something. */
function opposite(label: Label | undefined, other: Label | undefined): boolean {
  if (other === undefined) return false;
  return label === undefined || (label === "toxic") !== (other === "toxic");
}
