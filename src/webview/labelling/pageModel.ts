import type { LabelAgreement, Labelling } from "../../protocol/webview/labelAgreement.ts";
import { type PromptLabelState, stateOf } from "../../protocol/webview/labelBytes.ts";
import type {
  LabelChoice,
  LabellingFile,
  LabellingFromPage,
  LabellingState,
  LabellingToPage,
  LabellingView,
  PromptDetail,
  PromptRow,
  Query,
} from "../../protocol/webview/labelling.ts";
import { counted } from "../../wording/numbers.ts";
import type { Host } from "../ui/host.ts";
import { RowWindow } from "../ui/rowWindow.ts";
import type { Extend, Selection } from "../ui/selection.ts";
import { LabelBoard } from "./board.ts";
import { PromptDetails } from "./details.ts";
import { LabelRequests } from "./labelRequests.ts";
import { ListedPrompts } from "./listed.ts";
import { PromptIds } from "./promptIds.ts";
import { announceLabelled, announceStep } from "./words.ts";

type PageHost = Host<LabellingFromPage, LabellingState>;

const firstQuery: Query = { order: "file", text: "", label: "all" };

/**
 * What the page knows and what can be done on it. The host's word is the only truth about labels: one that is asked for
 * shows when the host says that it is written, while the next prompt comes up at once.
 */
export class LabellingPage {
  file: LabellingFile | null = null;
  /** Why there is nothing to show. */
  unreadable: string | null = null;
  /** Name of the run that is shown with the file. */
  run: string | null = null;
  guidelines = "";
  /** How far people agree, once it was asked for and worked out. */
  agreement: LabelAgreement | null = null;
  board = new LabelBoard(new Uint8Array());
  query: Query;
  mode: LabellingState["mode"];
  guidelinesOpen: boolean;
  /** Whether prompts are shown without being pointed at. */
  revealed = false;
  /** What went wrong last, until something is done again. */
  error: string | null = null;
  /** What a screen reader is told; the number makes the same words news again. */
  said = { words: "", number: 0 };

  private readonly listed = new ListedPrompts();
  private readonly rows = new RowWindow<PromptRow>();
  private readonly details = new PromptDetails();
  private readonly requests = new LabelRequests();
  private ids = new PromptIds({ ids: "", idLength: 1 });
  private readonly listeners = new Set<() => void>();
  private readonly host: PageHost;
  private drafts: Record<string, string> = {};
  private kept: LabellingState | undefined;
  /** Whether a list was asked for that is not here yet. */
  private awaited = false;
  /** Whether all of the list that comes is to be selected. */
  private selectsAll = false;
  /** What the reasons are of that rows and prompts came with. */
  private reasonsOf = JSON.stringify(["file", undefined]);

  constructor(host: PageHost) {
    const kept = host.state;
    this.host = host;
    this.kept = kept;
    this.query = kept?.query ?? firstQuery;
    this.mode = kept?.mode ?? "one";
    this.guidelinesOpen = kept?.guidelinesOpen ?? true;
    this.drafts = { ...kept?.drafts };
  }

  /** Calls back after every change. @returns a function that ends this. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Place in the file of the present prompt; undefined where the list is empty. */
  get place(): number | undefined {
    return this.listed.place;
  }

  /** Places of the listed prompts in the file; null until the host answers. */
  get places(): Uint32Array | null {
    return this.listed.places;
  }

  /** Position of the present prompt in the list. */
  get position(): number {
    return this.listed.position;
  }

  get selection(): Selection {
    return this.listed.selection;
  }

  /** The present prompt; undefined while the host has not told it. */
  get detail(): PromptDetail | undefined {
    return this.place === undefined ? undefined : this.details.get(this.place);
  }

  stateAt(place: number): PromptLabelState {
    return stateOf(this.board.at(place));
  }

  row(place: number) {
    return this.rows.get(place);
  }

  /** The note as it stands in its field: begun, or saved. */
  get note(): string {
    const place = this.place;
    if (place === undefined) return "";
    return this.drafts[this.ids.at(place)] ?? this.detail?.decision?.note ?? "";
  }

  set note(words: string) {
    if (this.place === undefined) return;
    this.drafts[this.ids.at(this.place)] = words;
    this.changed();
  }

  /** Labels the present prompt, or in the grid the selected ones, and goes on. */
  choose(label: LabelChoice): void {
    if (this.place === undefined || this.mode === "agreement") return;
    if (this.mode === "grid") {
      const positions = this.selection.positions();
      this.requestLabel(label, positions.length > 0 ? positions : [this.selection.focus]);
      if (positions.length <= 1) this.select(this.selection.focus + 1, "alone");
    } else {
      this.requestLabel(label, [this.position], this.drafts[this.ids.at(this.place)]?.trim());
      if (this.position + 1 === this.places!.length) this.say("End of the list.");
      this.listed.goTo(this.position + 1);
    }
    this.changed();
  }

  /** Saves the note that was begun. It changes no label: where nobody decided, the prompt counts as seen. */
  saveNote(): void {
    const { place, detail } = this;
    const draft = place === undefined ? undefined : this.drafts[this.ids.at(place)];
    if (draft === undefined || !detail) return;
    this.requestLabel(detail.decision ? detail.decision.label : "skip", [this.position], draft.trim(), true);
    this.changed();
  }

  /** Moves in the list by so many prompts, held within it. */
  move(by: number): void {
    if (this.mode === "grid") this.select(this.selection.focus + by, "alone");
    else this.listed.goTo(this.position + by);
    this.changed();
  }

  /** Moves the grid's focus and selects. */
  select(position: number, extend: Extend): void {
    this.selection.move(position, extend);
    this.listed.goTo(this.selection.focus);
    this.changed();
  }

  /** Moves the grid's focus alone. */
  moveFocus(position: number): void {
    this.selection.moveFocus(position);
    this.listed.goTo(this.selection.focus);
    this.changed();
  }

  /** Selects every prompt of the list; of one that was asked for and is not here yet, once it comes. */
  selectAll(): void {
    if (this.awaited) {
      this.selectsAll = true;
      return;
    }
    this.selection.all();
    this.say(`${counted(this.selection.size, "prompt")} selected`);
  }

  setMode(mode: LabellingState["mode"]): void {
    this.mode = mode;
    if (mode === "agreement") this.host.post({ type: "agreement" });
    if (mode === "grid") this.listed.selectPresent();
    this.changed();
  }

  /** Asks for the list anew, with these changes; the present prompt stays present where it is in the list. */
  ask(change: Partial<Query>): void {
    this.query = { ...this.query, ...change };
    this.listed.target ??= this.place;
    this.askList();
    this.changed();
  }

  /** Begins the list again, from its first prompt; with these changes. */
  startOver(change: Partial<Query> = {}): void {
    this.query = { ...this.query, ...change };
    this.listed.goTo(0);
    this.listed.target = undefined;
    this.askList();
    this.listed.places = null;
    this.reasonsOf = "";
    this.changed();
  }

  /** Has the host do what concerns the whole file. */
  do(what: (LabellingFromPage & { type: "do" })["what"]): void {
    this.host.post({ type: "do", what });
  }

  /** Lists the prompts of which two labellings say different things, one after another. */
  showDiffering(first: Labelling, second: Labelling): void {
    this.mode = "one";
    this.query = { order: "file", text: "", label: "all", differ: { first, second } };
    this.startOver();
  }

  /** Names the present prompt and what is proposed as its counterpart a matched pair, or takes that name back. */
  pair(): void {
    const { place, detail } = this;
    const beside = detail?.beside;
    if (place === undefined || (beside?.why !== "proposed" && beside?.why !== "named")) return;
    const other = beside.why === "proposed" ? this.ids.at(beside.place) : null;
    this.host.post({ type: "pair", id: this.ids.at(place), with: other });
    this.say(beside.why === "proposed" ? "Named a matched pair" : "No longer a matched pair");
  }

  /** Asks the host for what changes nothing here by itself. */
  send(message: LabellingFromPage & { type: "undo" | "redo" | "reveal" | "chooseFile" }): void {
    this.host.post(message);
  }

  toggle(what: "revealed" | "guidelinesOpen"): void {
    this[what] = !this[what];
    if (what === "revealed") this.say(this.revealed ? "Prompts shown" : "Prompts blurred");
    this.changed();
  }

  dismissError(): void {
    this.error = null;
    this.changed();
  }

  /** Tells which part of the list the grid shows, so that its rows can be asked for. */
  show(from: number, to: number): void {
    const places = this.places ? this.rows.missing(this.places, from, to) : [];
    if (places.length > 0) this.host.post({ type: "rows", places });
  }

  /** Takes what the host says. */
  receive(message: LabellingToPage): void {
    switch (message.type) {
      case "settings":
        this.guidelines = message.guidelines;
        this.revealed = !message.blur;
        break;
      case "file":
        this.takeFile(message.file);
        break;
      case "unreadable":
        this.unreadable = message.message;
        break;
      case "run":
        this.run = message.name;
        this.rows.clear();
        this.details.stale();
        break;
      case "list":
        // An answer to words that were typed further since is out of date.
        if (JSON.stringify(message.query) === JSON.stringify(this.query)) this.takeList(message.places);
        break;
      case "rows":
        this.rows.take(message.rows);
        break;
      case "prompt":
        this.details.take(message.detail);
        break;
      case "labels":
        this.board.take(message.places, message.labels);
        // What stands beside a prompt may change with any label.
        this.details.stale();
        if (this.mode === "agreement") this.host.post({ type: "agreement" });
        break;
      case "labelled":
        this.labelled(message.request);
        break;
      case "declined":
        this.declined(message.request);
        break;
      case "refused":
        this.refused(message.request, message.message);
        break;
      case "stepped":
        this.stepped(message.step, message.places);
        break;
      case "failed":
        this.error = message.message;
        break;
      case "agreement":
        this.agreement = message.agreement;
        break;
      case "go":
        if (this.mode === "agreement") this.mode = "one";
        this.goToPlace(message.place);
        break;
      case "view":
        this.showView(message.view);
        break;
    }
    this.changed();
  }

  private showView({ query, mode }: LabellingView): void {
    if (mode) this.setMode(mode);
    if (query) this.startOver(query);
  }

  private takeFile(file: LabellingFile): void {
    const present = this.file && this.place !== undefined ? this.ids.at(this.place) : this.kept?.id;
    this.file = file;
    this.ids = new PromptIds(file);
    this.unreadable = null;
    this.board = new LabelBoard(file.labels);
    this.listed.places = null;
    this.rows.clear();
    this.details.clear();
    this.listed.target = file.begin ?? (present === undefined ? undefined : this.ids.placeOf(present));
    if (file.begin !== undefined) this.query = { ...firstQuery, order: this.query.order };
    this.agreement = null;
    if (file.begin !== undefined && this.mode === "agreement") this.mode = "one";
    if (this.mode === "agreement") this.host.post({ type: "agreement" });
    this.listed.beginsUnlabelled = this.listed.target === undefined;
    this.askList();
  }

  private askList(): void {
    this.awaited = true;
    this.host.post({ type: "list", query: this.query });
  }

  private takeList(places: Uint32Array): void {
    // In another order prompts stand where they do for another reason.
    const reasons = JSON.stringify([this.query.order, this.query.differ]);
    if (reasons !== this.reasonsOf) {
      this.reasonsOf = reasons;
      this.rows.clear();
      this.details.stale();
    }
    this.awaited = false;
    this.listed.take(places, (place) => this.stateAt(place) === "unlabelled", this.mode === "grid");
    if (!this.selectsAll) return;
    this.selectsAll = false;
    this.selectAll();
  }

  private goToPlace(place: number): void {
    if (this.listed.goToPlace(place)) return;
    this.listed.target = place;
    this.ask({ text: "", label: "all", differ: undefined });
  }

  private requestLabel(
    label: LabelChoice,
    positions: readonly number[],
    note?: string,
    noteOnly = false,
  ): void {
    const places = positions.map((position) => this.places![position]!);
    const ids = [...new Set(places.map((place) => this.ids.at(place)))];
    this.error = null;
    const request = this.requests.add({ label, ids, noteOnly, place: places[0]! });
    this.host.post({ type: "label", request, ids, label, note });
  }

  private labelled(request: number): void {
    const pending = this.requests.take(request);
    if (!pending) return;
    // A note on many prompts does not exist, so those of a selection stay drafts.
    if (pending.ids.length === 1) delete this.drafts[pending.ids[0]!];
    const { label, ids, noteOnly } = pending;
    this.say(noteOnly ? "Note saved" : announceLabelled(label, ids.length, this.board.counts));
  }

  /** The label was not wanted after all: what is selected stays. */
  private declined(request: number): void {
    const pending = this.requests.take(request);
    if (pending && this.mode === "one") this.goToPlace(pending.place);
    this.say("Not labelled");
  }

  private refused(request: number, message: string): void {
    const pending = this.requests.take(request);
    this.error = message;
    // The page has gone on; the prompt that is still without its label comes back.
    if (pending && this.mode === "one") this.goToPlace(pending.place);
  }

  private stepped(step: "undo" | "redo", places: Uint32Array): void {
    const [first] = places;
    this.say(announceStep(step, places.length, this.board.counts));
    if (first === undefined || !this.places) return;
    this.listed.restored = new Set(places);
    const listed = this.mode === "grid" ? this.listed.restoredPositions() : [];
    if (listed.length === 0) {
      this.goToPlace(first);
      return;
    }
    this.listed.restored = null;
    this.selection.only(listed);
    this.listed.goTo(this.selection.focus);
  }

  private say(words: string): void {
    this.said = { words, number: this.said.number + 1 };
    this.changed();
  }

  /** Asks for what the present prompt needs, keeps what a reload needs, and tells those who show it. */
  private changed(): void {
    if (this.mode === "one" && this.places) {
      const near = this.places.subarray(this.position, this.position + 2);
      for (const place of this.details.missing(near)) this.host.post({ type: "prompt", place });
    }
    if (this.file) {
      const { place, query, mode, guidelinesOpen } = this;
      const id = place === undefined ? undefined : this.ids.at(place);
      const drafts = this.drafts;
      const { uri, secondPass } = this.file;
      this.host.keep({ uri, id, mode, query, guidelinesOpen, drafts, secondPass });
    }
    for (const listener of this.listeners) listener();
  }
}
