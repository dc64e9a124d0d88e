import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import { type LabelByte, stateOf, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import {
  rowFlags,
  type SortKey,
  type TableDetail,
  type TableFile,
  type TableFromPage,
  type TableMethod,
  type TableRow,
  type TableState,
  type TableToPage,
  type TableView,
  type Unreadable,
} from "../../protocol/webview/table.ts";
import { counted } from "../../wording/numbers.ts";
import type { Host } from "../ui/host.ts";
import { stateNames } from "../ui/labelChip.tsx";
import { RowWindow } from "../ui/rowWindow.ts";
import { type Extend, Selection } from "../ui/selection.ts";

/** The whole file in its order. */
export const wholeFile: TableView = {
  ...{ sort: null, text: "", label: "all", category: null, split: null, verdict: "all", pairs: false },
};

/** Where the grid is to scroll to: a row into sight, or to the top. */
interface Scroll {
  readonly position: number;
  readonly align: "auto" | "start";
}

/** What the page knows and what can be done on it. The host's word is the only truth about labels and verdicts. */
export class TablePage {
  file: TableFile | null = null;
  /** Why there is nothing to show. */
  unreadable: Unreadable | null = null;
  /** Null until the host says which. */
  methods: readonly TableMethod[] | null = null;
  view: TableView;
  /** Places of the listed prompts; null until the host answers. */
  places: Uint32Array | null = null;
  selection = new Selection(0);
  detailOpen: boolean;
  detail: TableDetail | null = null;
  /** The answer that keys judge, by its column; null for the last one. */
  activeAnswer: 0 | 1 | null = null;
  /** Whether prompts are shown without being pointed at. */
  revealed = false;
  /** Whether labels or verdicts changed by which the list is filtered or sorted. Rows stay where a person works on them. */
  outdated = false;
  error: string | null = null;
  /** What a screen reader is told; the number makes the same words news again. */
  said = { words: "", number: 0 };
  scroll: Scroll = { position: 0, align: "auto" };

  private flags: Uint8Array | null = null;
  private readonly rows = new RowWindow<TableRow>();
  private readonly listeners = new Set<() => void>();
  private readonly host: Host<TableFromPage, TableState>;
  private readonly labelling = new Map<number, { label: LabelChoice; count: number }>();
  private requests = 0;
  private listRequest = 0;
  /** Places that stay selected, focused and at the top when a list comes. */
  private kept: { focus: number | undefined; selected: ReadonlySet<number>; top: number | undefined } | null =
    null;
  private top = 0;

  constructor(host: Host<TableFromPage, TableState>) {
    const { state } = host;
    this.host = host;
    this.view = state?.view ?? wholeFile;
    this.detailOpen = state?.detailOpen ?? false;
    if (state) this.kept = { focus: state.place, selected: new Set(), top: undefined };
  }

  /** Calls back after every change. @returns a function that ends this. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Place in the file of the focused prompt; undefined where nothing is listed. */
  get place(): number | undefined {
    return this.places?.[this.selection.focus];
  }

  row(place: number): TableRow | undefined {
    return this.rows.get(place);
  }

  labelAt(place: number): LabelByte {
    return unpackLabel(this.file?.labels[place] ?? 0);
  }

  flagsAt(position: number): number {
    return this.flags?.[position] ?? 0;
  }

  /** How many prompts a label key is about. */
  get chosen(): number {
    return this.selection.size > 1 ? this.chosenPositions().length : this.selection.size;
  }

  /** Labels the selected prompts, or the focused one, and selects the next. Of many, counterparts that the filter leaves out keep theirs. */
  choose(label: LabelChoice): void {
    const { places, file } = this;
    if (!places || !file || this.place === undefined) return;
    const many = this.selection.size > 1;
    const positions = many ? this.chosenPositions() : [this.selection.focus];
    if (positions.length === 0) return;
    this.error = null;
    const request = ++this.requests;
    this.labelling.set(request, { label, count: positions.length });
    const chosen = positions.map((position) => places[position]!);
    this.host.post({ type: "label", version: file.version, request, places: chosen, label });
    if (!many) this.select(this.selection.focus + 1, "alone");
    this.changed();
  }

  /** Says what the answer of a column to the focused prompt is; null takes it back. */
  judge(column: 0 | 1, verdict: RefusalVerdict | null): void {
    const { file, place } = this;
    if (!file || place === undefined) return;
    this.host.post({ type: "judge", version: file.version, place, column, verdict });
  }

  /** Judges the answer that keys judge. @returns false where none is shown */
  judgeActive(verdict: RefusalVerdict | null): boolean {
    const { detail, methods } = this;
    if (!this.detailOpen || !methods || methods.length === 0 || detail?.place !== this.place) return false;
    const column = this.activeAnswer ?? ((methods.length - 1) as 0 | 1);
    if (!detail?.answers[column]) return false;
    this.judge(column, verdict);
    return true;
  }

  /** Moves by so many rows, held within the list. */
  move(by: number): void {
    this.select(this.selection.focus + by, "alone");
  }

  select(position: number, extend: Extend): void {
    this.selection.move(position, extend);
    this.follow();
  }

  /** Moves the focus alone. */
  moveFocus(position: number): void {
    this.selection.moveFocus(position);
    this.follow();
  }

  /** Selects every prompt of the list. */
  selectAll(): void {
    this.selection.all();
    this.say(`${counted(this.chosen, "prompt")} selected`);
    this.changed();
  }

  /** Goes to a prompt of the file, listed or not. */
  goTo(place: number): void {
    const position = this.places?.indexOf(place) ?? -1;
    if (position >= 0) {
      this.select(position, "alone");
      return;
    }
    this.kept = { focus: place, selected: new Set(), top: undefined };
    this.view = { ...wholeFile, pairs: this.view.pairs };
    this.askList();
    this.changed();
  }

  /** Lists other prompts, or in another order; the focused prompt stays focused where it is listed. */
  ask(change: Partial<TableView>): void {
    this.view = { ...this.view, ...change };
    this.keep(false);
    this.askList();
    this.changed();
  }

  /** Sorts by a column: up, down, and back to the file's order. */
  sortBy(by: SortKey): void {
    const { sort } = this.view;
    // Of probabilities the highest are looked for first.
    const first = by.startsWith("probability");
    const next = sort?.by !== by ? { by, down: first } : sort.down === first ? { by, down: !first } : null;
    this.ask({ sort: next });
    this.say(
      next ? `Sorted by ${by.replace(/\d/, "")}, ${next.down ? "descending" : "ascending"}` : "File order",
    );
  }

  /** Lists anew what is filtered and sorted by labels and verdicts that changed. */
  update(): void {
    this.keep(false);
    this.askList();
    this.changed();
  }

  toggleDetail(open = !this.detailOpen): void {
    this.detailOpen = open;
    this.activeAnswer = null;
    if (open) this.askDetail();
    this.changed();
  }

  toggle(what: "revealed"): void {
    this[what] = !this[what];
    this.say(this.revealed ? "Prompts shown" : "Prompts blurred");
    this.changed();
  }

  activate(column: 0 | 1): void {
    this.activeAnswer = column;
    this.changed();
  }

  dismissError(): void {
    this.error = null;
    this.changed();
  }

  /** Opens a prompt's line in the text editor, that of the focused one where none is named. */
  reveal(place = this.place): void {
    if (!this.file || place === undefined) return;
    this.host.post({ type: "reveal", version: this.file.version, place });
  }

  /** Asks the host for what changes nothing here by itself. */
  send(
    message: TableFromPage & { type: "undo" | "redo" | "chooseMethod" | "removeMethod" | "export" },
  ): void {
    this.host.post(message);
  }

  /** Has the host do what concerns the whole file. */
  do(what: (TableFromPage & { type: "do" })["what"]): void {
    this.host.post({ type: "do", what });
  }

  /** Tells which part of the list is in sight, so that its rows can be asked for. */
  show(from: number, to: number, top: number): void {
    this.top = top;
    if (!this.file || !this.places) return;
    const places = this.rows.missing(this.places, from, to);
    if (places.length > 0) this.host.post({ type: "rows", version: this.file.version, places });
  }

  /** Takes what the host says. */
  receive(message: TableToPage): void {
    switch (message.type) {
      case "settings":
        this.revealed = !message.blur;
        break;
      case "reading":
        this.unreadable = null;
        break;
      case "file":
        this.takeFile(message.file);
        break;
      case "unreadable":
        this.file = null;
        this.unreadable = message.reason;
        break;
      case "methods":
        this.takeMethods(message.methods);
        break;
      case "list":
        if (message.request === this.listRequest) this.takeList(message.places, message.flags);
        break;
      case "rows":
        if (message.version === this.file?.version) this.rows.take(message.rows);
        break;
      case "detail":
        if (message.version === this.file?.version) this.takeDetail(message.detail);
        break;
      case "labels":
        this.takeLabels(message.places, message.labels);
        break;
      case "labelled":
        this.labelled(message.request);
        break;
      case "declined":
        this.labelling.delete(message.request);
        this.say("Not labelled");
        break;
      case "refused":
        this.labelling.delete(message.request);
        this.error = message.message;
        break;
      case "stepped":
        this.stepped(message.step, message.places);
        break;
      case "failed":
        this.error = message.message;
    }
    this.changed();
  }

  private chosenPositions(): number[] {
    return this.selection.positions().filter((position) => (this.flagsAt(position) & rowFlags.beside) === 0);
  }

  /** Notes what is to stay where it is when a list comes. @param live whether nobody asked for it here: then the view does not jump */
  private keep(live: boolean, moved: (place: number) => number | undefined = (place) => place): void {
    const { places } = this;
    if (!places) return;
    const at = (position: number) => {
      const place = places[position];
      return place === undefined ? undefined : moved(place);
    };
    const selected = this.selection.size > 1 ? this.selection.positions().map(at) : [];
    this.kept = {
      focus: at(this.selection.focus),
      selected: new Set(selected.filter((place) => place !== undefined)),
      top: live && this.top > 0 ? at(this.top) : undefined,
    };
  }

  private takeFile(file: TableFile): void {
    const { moved } = file;
    if (moved && this.file) this.keep(true, (place) => (moved[place]! < 0 ? undefined : moved[place]));
    this.file = file;
    this.unreadable = null;
    this.places = null;
    this.detail = null;
    this.rows.clear();
    const { category, split } = this.view;
    // A view that was kept may name what the file no longer has.
    if (category !== null && !file.categories.includes(category)) this.view.category = null;
    if (split !== null && !file.splits.includes(split)) this.view.split = null;
    if (!file.paired) this.view.pairs = false;
    this.askList();
  }

  private takeMethods(methods: readonly TableMethod[]): void {
    const before = this.methods;
    this.methods = methods;
    this.rows.stale();
    const { sort, verdict } = this.view;
    const gone = sort?.by.endsWith("0") ? methods.length < 1 : sort?.by.endsWith("1") && methods.length < 2;
    if (gone) this.view = { ...this.view, sort: null };
    if (verdict === "methods" && methods.length < 2) this.view = { ...this.view, verdict: "all" };
    if (methods.length === 0) this.view = { ...this.view, verdict: "all" };
    const byVerdict = verdict !== "all" || /\d$/.test(sort?.by ?? "");
    if (byVerdict && this.file) {
      if (before) this.keep(true);
      this.askList();
    }
    this.askDetail();
  }

  private takeLabels(places: Uint32Array, labels: Uint8Array): void {
    if (!this.file) return;
    for (const [i, place] of places.entries()) this.file.labels[place] = labels[i]!;
    // What is wrong with an answer follows from the label.
    this.rows.stale(places);
    const { label, verdict, sort } = this.view;
    this.outdated ||=
      label !== "all" ||
      sort?.by === "label" ||
      ["disagrees", "over-refused", "under-refused"].includes(verdict);
    this.askDetail();
  }

  private askList(): void {
    this.outdated = false;
    this.listRequest = ++this.requests;
    this.host.post({ type: "list", request: this.listRequest, view: this.view });
  }

  private takeList(places: Uint32Array, flags: Uint8Array | null): void {
    const { kept } = this;
    this.kept = null;
    this.places = places;
    this.flags = flags;
    const focus = kept?.focus === undefined ? 0 : Math.max(0, places.indexOf(kept.focus));
    this.selection = new Selection(places.length, focus);
    if (kept && kept.selected.size > 1) {
      this.selection.only([...places.keys()].filter((position) => kept.selected.has(places[position]!)));
      this.selection.moveFocus(focus);
    }
    const top = kept?.top === undefined ? -1 : places.indexOf(kept.top);
    this.scroll = top >= 0 ? { position: top, align: "start" } : { position: focus, align: "auto" };
    this.say(`${counted(places.length, "prompt")} listed`);
    this.askDetail();
  }

  private follow(): void {
    this.scroll = { position: this.selection.focus, align: "auto" };
    this.activeAnswer = null;
    this.askDetail();
    this.changed();
  }

  private askDetail(): void {
    const { file, place } = this;
    if (!this.detailOpen || !file || place === undefined) return;
    this.host.post({ type: "detail", version: file.version, place });
  }

  private takeDetail(detail: TableDetail): void {
    if (detail.place === this.place) this.detail = detail;
  }

  private labelled(request: number): void {
    const done = this.labelling.get(request);
    this.labelling.delete(request);
    if (!done) return;
    const { label, count } = done;
    const name = stateNames[label === "skip" ? "skipped" : (label ?? "excluded")].toLowerCase();
    const what = label === "skip" ? "Skipped" : `Labelled ${name}`;
    this.say(count === 1 ? what : `${what}, ${counted(count, "prompt")}`);
  }

  private stepped(step: "undo" | "redo", places: Uint32Array): void {
    if (places.length === 0) {
      this.say(`Nothing to ${step}`);
      return;
    }
    const changed = new Set(places);
    const positions = [...(this.places?.keys() ?? [])].filter((position) =>
      changed.has(this.places![position]!),
    );
    if (positions.length > 0) {
      this.selection.only(positions);
      this.follow();
    }
    const state =
      places.length === 1 ? `, ${stateNames[stateOf(this.file?.labels[places[0]!] ?? 0)].toLowerCase()}` : "";
    this.say(`${step === "undo" ? "Undone" : "Redone"}, ${counted(places.length, "prompt")}${state}`);
  }

  private say(words: string): void {
    this.said = { words, number: this.said.number + 1 };
  }

  private changed(): void {
    const { view, detailOpen, place = this.kept?.focus ?? 0 } = this;
    this.host.keep({ view, place, detailOpen });
    for (const listener of this.listeners) listener();
  }
}
