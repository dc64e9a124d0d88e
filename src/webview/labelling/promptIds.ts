import type { LabellingFile } from "../../protocol/webview/labelling.ts";

/** The ids of a file's prompts, cut out of their one string when they are needed. */
export class PromptIds {
  private readonly ids: string;
  private readonly length: number;

  constructor({ ids, idLength }: Pick<LabellingFile, "ids" | "idLength">) {
    this.ids = ids;
    this.length = idLength;
  }

  at(place: number): string {
    return this.ids.slice(place * this.length, (place + 1) * this.length);
  }

  /** The first place of a prompt; undefined where the file does not have it. */
  placeOf(id: string): number | undefined {
    let found = this.ids.indexOf(id);
    // The end of one id and the beginning of the next can read like a third.
    while (found >= 0 && found % this.length !== 0) found = this.ids.indexOf(id, found + 1);
    return found < 0 ? undefined : found / this.length;
  }
}
