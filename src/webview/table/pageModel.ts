import type { RefusalVerdict } from "../../protocol/report/verdicts.ts";
import { type LabelByte, stateOf, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import type {
  ColumnWidths,
  SortKey,
  TableDetail,
  TableFile,
  TableFromPage,
  TableMethod,
  TableRow,
  TableState,
  TableToPage,
  TableView,
  Unreadable,
} from "../../protocol/webview/table.ts";
import { counted } from "../../wording/numbers.ts";
import type { Host } from "../ui/host.ts";
import { RowWindow } from "../ui/rowWindow.ts";
import { withWidth } from "./columnWidths.ts";
import { ListPage } from "./listPage.ts";
import { followsLabels, followsVerdicts, nextSort, viewOfFile, viewOfMethods, wholeFile } from "./view.ts";
import { announceLabelled, announceStep } from "./words.ts";

/** What the page knows and what can be done on it. The host's word is the only truth about labels and verdicts. */
export class TablePage extends ListPage {
  file: TableFile | null = null;
  /** Why there is nothing to show. */
  unreadable: Unreadable | null = null;
  /** Null until the host says which. */
  methods: readonly TableMethod[] | null = null;
  view: TableView;
  detailOpen: boolean;
  detail: TableDetail | null = null;
  /** Widths that a person gave columns. */
  widths: ColumnWidths;
  /** The answer that keys judge, by its column; null for the last one. */
  activeAnswer: 0 | 1 | null = null;
  /** Whether prompts are shown without being pointed at. */
  revealed = false;
  /** Whether labels or verdicts changed by which the list is filtered or sorted. Rows stay where a person works on them. */
  outdated = false;
  error: string | null = null;
  private readonly rows = new RowWindow<TableRow>();
  private readonly host: Host<TableFromPage, TableState>;
  private readonly labelling = new Map<number, { label: LabelChoice; count: number }>();
  private requests = 0;
  private listRequest = 0;

  constructor(host: Host<TableFromPage, TableState>) {
    super();
    const { state } = host;
    this.host = host;
    this.view = state?.view ?? wholeFile;
    this.detailOpen = state?.detailOpen ?? false;
    this.widths = state?.widths ?? {};
    if (state) this.listed.keepFocus(state.place);
  }

  row(place: number): TableRow | undefined {
    return this.rows.get(place);
  }

  labelAt(place: number): LabelByte {
    return unpackLabel(this.file?.labels[place] ?? 0);
  }

  /** Labels the selected prompts, or the focused one, and selects the next. Of many, counterparts that the filter leaves out keep theirs. */
  choose(label: LabelChoice): void {
    const { places, file } = this;
    if (!places || !file || this.place === undefined) return;
    const many = this.selection.size > 1;
    const positions = many ? this.listed.chosenPositions() : [this.selection.focus];
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

  /** Goes to a prompt of the file, listed or not. */
  goTo(place: number): void {
    const position = this.places?.indexOf(place) ?? -1;
    if (position >= 0) {
      this.select(position, "alone");
      return;
    }
    this.listed.keepFocus(place);
    this.view = { ...wholeFile, pairs: this.view.pairs };
    this.askList();
    this.changed();
  }

  /** Lists other prompts, or in another order; the focused prompt stays focused where it is listed. */
  ask(change: Partial<TableView>): void {
    this.view = { ...this.view, ...change };
    this.listed.keep(false);
    this.askList();
    this.changed();
  }

  /** Sorts by a column: up, down, and back to the file's order. */
  sortBy(by: SortKey): void {
    const next = nextSort(this.view, by);
    this.ask({ sort: next });
    this.say(
      next ? `Sorted by ${by.replace(/\d/, "")}, ${next.down ? "descending" : "ascending"}` : "File order",
    );
  }

  /** Gives a column a width; its own again where none is given. */
  resize(column: SortKey, width: number | null): void {
    this.widths = withWidth(this.widths, column, width);
    this.changed();
  }

  /** Lists anew what is filtered and sorted by labels and verdicts that changed. */
  update(): void {
    this.listed.keep(false);
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
    this.listed.top = top;
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

  private takeFile(file: TableFile): void {
    const { moved } = file;
    if (moved && this.file) this.listed.keep(true, (place) => (moved[place]! < 0 ? undefined : moved[place]));
    this.file = file;
    this.unreadable = null;
    this.listed.places = null;
    this.detail = null;
    this.rows.clear();
    this.view = viewOfFile(this.view, file);
    this.askList();
  }

  private takeMethods(methods: readonly TableMethod[]): void {
    const before = this.methods;
    this.methods = methods;
    this.rows.stale();
    const isListedBy = followsVerdicts(this.view);
    this.view = viewOfMethods(this.view, methods);
    if (isListedBy && this.file) {
      if (before) this.listed.keep(true);
      this.askList();
    }
    this.askDetail();
  }

  private takeLabels(places: Uint32Array, labels: Uint8Array): void {
    if (!this.file) return;
    for (const [i, place] of places.entries()) this.file.labels[place] = labels[i]!;
    // What is wrong with an answer follows from the label.
    this.rows.stale(places);
    this.outdated ||= followsLabels(this.view);
    this.askDetail();
  }

  private askList(): void {
    this.outdated = false;
    this.listRequest = ++this.requests;
    this.host.post({ type: "list", request: this.listRequest, view: this.view });
  }

  private takeList(places: Uint32Array, flags: Uint8Array | null): void {
    this.listed.take(places, flags);
    this.say(`${counted(places.length, "prompt")} listed`);
    this.askDetail();
  }

  protected focusMoved(): void {
    this.activeAnswer = null;
    this.askDetail();
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
    if (done) this.say(announceLabelled(done.label, done.count));
  }

  private stepped(step: "undo" | "redo", places: Uint32Array): void {
    const positions = this.listed.positionsOf(new Set(places));
    if (positions.length > 0) {
      this.selection.only(positions);
      this.follow();
    }
    const state = places.length === 1 ? stateOf(this.file?.labels[places[0]!] ?? 0) : undefined;
    this.say(announceStep(step, places.length, state));
  }

  protected keep(): void {
    const { view, detailOpen, place = this.listed.keptPlace, widths } = this;
    this.host.keep({ view, place, detailOpen, widths });
  }
}
