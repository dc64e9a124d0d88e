import { NearestIndex } from "../../dataset/nearest.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import type { Beside } from "../../protocol/webview/labelling.ts";
import { type LabelledPrompts, placesById } from "./prompts.ts";

/** Finds what a prompt is best seen against: its twin, or else the most similar prompt of the opposite label. */
export class Companions {
  private readonly prompts: LabelledPrompts;
  private members = new Map<string, number[]>();
  /** The pairs that people named when `members` was last made. */
  private named: ReadonlyMap<string, string> | undefined;
  private readonly places: Map<string, number[]>;
  private index: Promise<NearestIndex> | undefined;
  private indexed = false;

  constructor(prompts: LabelledPrompts) {
    this.prompts = prompts;
    this.places = placesById(prompts.records);
  }

  /** The other prompt of a pair; undefined where there is none. */
  twin(record: PromptRecord): Beside | undefined {
    const others = this.others(record);
    const label = this.prompts.labelOf(record);
    // A pair may have more than two members; the telling one is labelled otherwise.
    const other = others.find((place) => this.prompts.labelOf(this.prompts.records[place]!) !== label);
    const place = other ?? others[0];
    const isNamed = this.prompts.labels.pairs.has(record.id);
    return place === undefined ? undefined : this.beside(place, isNamed ? "named" : "twin");
  }

  /** The places of a pair's other prompts. */
  private others(record: PromptRecord): number[] {
    const pair = this.pairOf(record);
    if (pair === undefined) return [];
    const { records, labels } = this.prompts;
    if (this.named !== labels.pairs) {
      this.named = labels.pairs;
      this.members = new Map();
      for (const [place, each] of records.entries()) {
        const name = this.pairOf(each);
        if (name === undefined) continue;
        const members = this.members.get(name);
        if (members) members.push(place);
        else this.members.set(name, [place]);
      }
    }
    return (this.members.get(pair) ?? []).filter((place) => records[place]!.id !== record.id);
  }

  /** The name of a prompt's pair, as people named it, else as the file does. */
  private pairOf({ id, pair }: PromptRecord): string | undefined {
    return this.prompts.labels.pairs.get(id) ?? pair;
  }

  /** Whether the nearest prompt is found at once. */
  get isIndexed(): boolean {
    return this.indexed;
  }

  /**
   * The most similar prompt of the opposite label to one without a counterpart: one that it can be paired with where there is one, which
   * has none either; undefined where none is like it. The index over all prompts is built when it is first needed, which takes half a
   * second for 80,000.
   */
  async nearest(record: PromptRecord): Promise<Beside | undefined> {
    this.index ??= NearestIndex.build(this.prompts.records);
    const index = await this.index;
    this.indexed = true;
    const label = this.prompts.labelOf(record);
    const wanted = label && counterparts[label];
    const proposed =
      wanted &&
      index.nearest(
        record,
        (candidate) => this.prompts.labelOf(candidate) === wanted && this.others(candidate).length === 0,
      );
    const near =
      proposed ?? index.nearest(record, (candidate) => opposite(label, this.prompts.labelOf(candidate)));
    const place = near && this.places.get(near.second.id)?.[0];
    if (place === undefined) return undefined;
    return this.beside(place, proposed ? "proposed" : "nearest", near!.similarity);
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

/** What a matched pair has beside a label; other prompts are in none. */
const counterparts: Partial<Record<Label, Label>> = { toxic: "seemingly_toxic", seemingly_toxic: "toxic" };

/** Toxic prompts stand against those that should be answered; to a prompt without a label any labelled one says something. */
function opposite(label: Label | undefined, other: Label | undefined): boolean {
  if (other === undefined) return false;
  return label === undefined || (label === "toxic") !== (other === "toxic");
}
