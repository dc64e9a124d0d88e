import type { PromptRecord } from "../../dataset/record.ts";
import type {
  Beside,
  LabelChoice,
  LabellingFromPage,
  LabellingToPage,
  Query,
} from "../../protocol/webview/labelling.ts";
import { unaskedLabels } from "../prompts/words.ts";
import { agreementOn } from "./agreement.ts";
import { Companions } from "./beside.ts";
import { detailOf, rowOf } from "./detail.ts";
import { type LabelledPrompts, labelByte, placesById } from "./prompts.ts";
import { type Queue, queueOf } from "./queue.ts";
import { probabilityIn, type RunResults } from "./runResults.ts";

/** What a labelling page can have done for it. */
export interface SessionHost {
  post(message: LabellingToPage): void;
  /** Asks the person whether so many prompts are to be labelled. */
  confirm(count: number, label: LabelChoice): Promise<boolean>;
  /** Writes labels; rejects when they cannot be written. */
  label(ids: readonly string[], label: LabelChoice, note: string | undefined): Promise<void>;
  /** Undoes or redoes what this person did last; resolves to the prompts it changed, null when there was nothing. */
  step(step: "undo" | "redo"): Promise<ReadonlySet<string> | null>;
  reveal(record: PromptRecord): Promise<void>;
  chooseFile(): Promise<void>;
  /** Names prompts a matched pair, or with null leaves their pair to the file. */
  pair(ids: readonly string[], pair: string | null): Promise<void>;
  /** Does what concerns the whole file and has a dialog of its own. */
  do(what: (LabellingFromPage & { type: "do" })["what"]): Promise<void>;
  wordError(error: unknown): string;
}

/** A prompt file that a page shows. */
export interface SessionFile {
  uri: string;
  path: string;
  prompts: LabelledPrompts;
  /** Whether a person labels again without seeing labels. */
  blind?: boolean;
  /** How many prompts a second pass was asked for. */
  secondPass?: number;
}

/**
 * The host's side of one labelling page. The host knows what is true; the page is told of the file once and compactly
 * (ids as one string, a byte a label), and asks for the words of those prompts alone that it shows.
 */
export class LabellingSession {
  private readonly host: SessionHost;
  private file: SessionFile | null = null;
  private places = new Map<string, number[]>();
  private companions: Companions | null = null;
  private run: RunResults | null = null;
  /** The list that the page has, and why prompts stand where they do. */
  private queue: Queue | null = null;

  constructor(host: SessionHost) {
    this.host = host;
  }

  /**
   * Shows a file, or the same file anew.
   *
   * @param begin id of the prompt to begin with
   */
  show(file: SessionFile, begin?: string): void {
    const { records } = file.prompts;
    this.file = file;
    this.places = placesById(records);
    this.companions = new Companions(file.prompts);
    this.queue = null;
    this.host.post({
      type: "file",
      file: {
        uri: file.uri,
        path: file.path,
        ids: records.map(({ id }) => id).join(""),
        idLength: records[0]?.id.length ?? 0,
        labels: Uint8Array.from(records, (record) => labelByte(file.prompts, record)),
        begin: begin === undefined ? undefined : this.places.get(begin)?.[0],
        blind: file.blind,
        secondPass: file.secondPass,
      },
    });
  }

  /** Brings the page to a prompt of the file that it shows. */
  go(id: string): void {
    const place = this.places.get(id)?.[0];
    if (place !== undefined) this.host.post({ type: "go", place });
  }

  /** Tells the page of labels that changed, here or elsewhere. */
  changed(ids: Iterable<string>): void {
    if (!this.file) return;
    const { prompts } = this.file;
    const places = Uint32Array.from([...ids].flatMap((id) => this.places.get(id) ?? []));
    if (places.length === 0) return;
    const labels = Uint8Array.from(places, (place) => labelByte(prompts, prompts.records[place]!));
    this.host.post({ type: "labels", places, labels });
  }

  /** Takes the results of the run that is shown with the file, or null where there are none. */
  showRun(run: RunResults | null): void {
    this.run = run;
    this.host.post({ type: "run", name: run?.name ?? null });
  }

  /** Does what the page asks. */
  async receive(message: LabellingFromPage): Promise<void> {
    if (message.type === "chooseFile") return this.host.chooseFile();
    // Until the file is read the page shows nothing that could be asked about.
    if (!this.file) return;
    const { prompts } = this.file;
    switch (message.type) {
      case "list":
        return this.tellList(message.query);
      case "rows": {
        const known = message.places.filter((place) => place < prompts.records.length);
        const rows = known.map((place) => rowOf(prompts, place, this.run, this.queue?.reason(place)));
        return this.host.post({ type: "rows", rows });
      }
      case "prompt":
        return this.tellPrompt(message.place);
      case "label":
        return this.label(message);
      case "undo":
      case "redo":
        return this.step(message.type);
      case "reveal": {
        const record = prompts.records[message.place];
        return record && this.host.reveal(record);
      }
      case "pair":
        return this.pair(message.id, message.with);
      case "agreement":
        return this.tellAgreement();
      case "do":
        return this.host.do(message.what);
    }
  }

  private async tellList(query: Query): Promise<void> {
    const { prompts } = this.file!;
    const { run } = this;
    const queue = await queueOf(prompts, query, (record) => probabilityIn(run, record));
    // While it was ordered the file may have been read anew; the page asks again then.
    if (this.file?.prompts !== prompts) return;
    this.queue = queue;
    this.host.post({ type: "list", query, places: queue.places });
  }

  private tellAgreement(): void {
    const { prompts, blind } = this.file!;
    if (blind) return;
    const ids = prompts.records.map(({ id }) => id);
    this.host.post({ type: "agreement", agreement: agreementOn(ids, prompts.labels.decisions) });
  }

  private async pair(id: string, other: string | null): Promise<void> {
    const { records } = this.file!.prompts;
    const place = this.places.get(id)?.[0];
    const record = place === undefined ? undefined : records[place];
    if (place === undefined || !record) return;
    const twin = other === null ? this.companions!.twin(record)?.place : this.places.get(other)?.[0];
    const paired = twin === undefined ? undefined : records[twin];
    if (!paired) return;
    const ids = [record.id, paired.id];
    try {
      await this.host.pair(ids, other === null ? null : pairName(ids));
    } catch (error) {
      this.host.post({ type: "failed", message: this.host.wordError(error) });
      return;
    }
    this.changed(ids);
    const now = this.places.get(id)?.[0];
    if (now !== undefined) await this.tellPrompt(now);
  }

  private async tellPrompt(place: number): Promise<void> {
    const { prompts } = this.file!;
    const record = prompts.records[place];
    if (!record) return;
    const companions = this.companions!;
    const tell = (beside: Beside | undefined) =>
      this.host.post({
        type: "prompt",
        detail: detailOf(prompts, place, this.run, beside, this.queue?.reason(place)),
      });
    if (this.file!.blind) {
      tell(undefined);
      return;
    }
    const twin = companions.twin(record);
    if (twin) {
      tell(twin);
      return;
    }
    // The prompt does not wait for the index of a large file.
    if (!companions.isIndexed) tell(undefined);
    const near = await companions.nearest(record);
    // While it was looked for the file may have been read anew, and its places with it.
    if (prompts.records[place] === record && this.file?.prompts === prompts) tell(near);
  }

  private async label({ request, ids, label, note }: LabellingFromPage & { type: "label" }): Promise<void> {
    if (ids.length > unaskedLabels && !(await this.host.confirm(ids.length, label))) {
      this.host.post({ type: "declined", request });
      return;
    }
    try {
      await this.host.label(ids, label, note);
    } catch (error) {
      this.host.post({ type: "refused", request, message: this.host.wordError(error) });
      return;
    }
    // The library tells of changes too, but maybe later; the page counts on knowing them when it is told "labelled".
    this.changed(ids);
    this.host.post({ type: "labelled", request });
  }

  private async step(step: "undo" | "redo"): Promise<void> {
    try {
      const ids = (await this.host.step(step)) ?? [];
      this.changed(ids);
      const places = Uint32Array.from([...ids].flatMap((id) => this.places.get(id)?.[0] ?? []));
      this.host.post({ type: "stepped", step, places });
    } catch (error) {
      this.host.post({ type: "failed", message: this.host.wordError(error) });
    }
  }
}

/** A name for a pair of prompts that says nothing of them and is the same wherever they are paired. */
function pairName(ids: readonly string[]): string {
  return [...ids]
    .sort()
    .map((id) => id.slice(0, 8))
    .join("-");
}
