import type { PromptRecord } from "../../dataset/record.ts";
import { type RefusalVerdict, undeterminedWords } from "../../protocol/report/verdicts.ts";
import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import type {
  TableDetail,
  TableFromPage,
  TableMethod,
  TableRow,
  TableToPage,
  Unreadable,
} from "../../protocol/webview/table.ts";
import { csvText } from "../../wording/csv.ts";
import type { Answer } from "../evaluation/answers.ts";
import { type LabelledPrompts, labelByte, placesById } from "../labelling/prompts.ts";
import { oneLine, unaskedLabels } from "../prompts/words.ts";
import { movedPlaces } from "./moved.ts";
import { type Listed, type MethodAnswers, PromptTable } from "./promptTable.ts";

/** A method that is shown: what its column says of it, and its answers. */
export interface ShownColumn extends Omit<TableMethod, "answered"> {
  readonly answers: MethodAnswers;
}

/** What a table page can have done for it. */
export interface TableHost {
  post(message: TableToPage): void;
  /** Asks the person whether so many prompts are to be labelled. */
  confirm(count: number, label: LabelChoice): Promise<boolean>;
  /** Writes labels; rejects when they cannot be written. */
  label(ids: readonly string[], label: LabelChoice): Promise<void>;
  /** Undoes or redoes what this person did last in the file; resolves to the prompts it changed. */
  step(step: "undo" | "redo"): Promise<ReadonlySet<string>>;
  reveal(record: PromptRecord): Promise<void>;
  chooseMethod(column: 0 | 1): Promise<void>;
  removeMethod(column: 0 | 1): Promise<void>;
  /** Keeps what the person says of an answer of a column. */
  judge(column: 0 | 1, answer: Answer, verdict: RefusalVerdict | null): Promise<void>;
  save(csv: string): Promise<void>;
  do(what: (TableFromPage & { type: "do" })["what"]): Promise<void>;
  wordError(error: unknown): string;
}

/** A prompt file that a page shows. */
export interface TableSubject {
  readonly path: string;
  readonly prompts: LabelledPrompts;
  /** Rows that could not be used. */
  readonly problems: number;
}

/** As many characters of a prompt as a row can show on a wide screen. */
const ROW_LENGTH = 240;

/**
 * The host's side of one table page. Filtering and sorting happen here, where the prompts and answers are; the page is told the places
 * that a view lists as one array, a byte a label, and the words of those rows alone that it shows.
 */
export class TableSession {
  private readonly host: TableHost;
  private table: PromptTable | null = null;
  private subject: TableSubject | null = null;
  private version = 0;
  private places = new Map<string, number[]>();
  private columns: readonly ShownColumn[] = [];
  private listed: Listed | null = null;

  constructor(host: TableHost) {
    this.host = host;
  }

  /** Shows a file, or the same file anew. */
  show(subject: TableSubject): void {
    const { prompts, path, problems } = subject;
    const before = this.subject?.prompts.records ?? null;
    this.subject = { ...subject, prompts: frozen(prompts) };
    this.table = new PromptTable(this.subject.prompts);
    this.table.show(this.columns.map(({ answers }) => answers));
    this.places = placesById(prompts.records);
    this.listed = null;
    this.version++;
    this.host.post({
      type: "file",
      file: {
        ...{ version: this.version, path, problems },
        labels: Uint8Array.from(prompts.records, (record) => labelByte(prompts, record)),
        moved: before && movedPlaces(before, prompts.records),
        categories: this.table.values("kind"),
        splits: this.table.values("split"),
        paired: this.table.paired,
      },
    });
  }

  /** Says that the file cannot be shown, and why. */
  refuse(reason: Unreadable): void {
    this.table = null;
    this.subject = null;
    this.host.post({ type: "unreadable", reason });
  }

  /** The page was loaded anew and knows nothing. */
  forget(): void {
    this.table = null;
    this.subject = null;
  }

  /** The prompts that are shown. */
  get records(): readonly PromptRecord[] {
    return this.subject?.prompts.records ?? [];
  }

  /** Shows the verdicts and probabilities of these methods, the marked one last. */
  showMethods(columns: readonly ShownColumn[]): void {
    this.columns = columns;
    this.table?.show(columns.map(({ answers }) => answers));
    this.host.post({
      type: "methods",
      methods: columns.map(({ run, title, answers }) => {
        return { run, title, answered: this.table?.answered(answers) ?? 0 };
      }),
    });
  }

  /** Tells the page of labels that changed, here or elsewhere. */
  changed(ids: Iterable<string>): void {
    if (!this.subject) return;
    const { prompts } = this.subject;
    const places = this.placesOf(ids);
    if (places.length === 0) return;
    const labels = Uint8Array.from(places, (place) => labelByte(prompts, prompts.records[place]!));
    this.host.post({ type: "labels", places, labels });
  }

  /** Does what the page asks. */
  async receive(message: TableFromPage): Promise<void> {
    const { host, table } = this;
    switch (message.type) {
      case "do":
        return host.do(message.what);
      case "chooseMethod":
        return host.chooseMethod(message.column);
      case "removeMethod":
        return host.removeMethod(message.column);
      case "undo":
      case "redo":
        return this.step(message.type);
      case "label":
        return this.label(message);
    }
    // What else is asked is about a file that is shown, and about it as it is now.
    if (!table || ("version" in message && message.version !== this.version)) return;
    switch (message.type) {
      case "list": {
        this.listed = table.list(message.view);
        const { request } = message;
        return host.post({ type: "list", request, version: this.version, ...this.listed });
      }
      case "rows": {
        const rows = message.places.filter((place) => this.records[place]).map((place) => this.row(place));
        return host.post({ type: "rows", version: this.version, rows });
      }
      case "detail": {
        if (!this.records[message.place]) return;
        return host.post({ type: "detail", version: this.version, detail: this.detail(message.place) });
      }
      case "reveal": {
        const record = this.records[message.place];
        return record && host.reveal(record);
      }
      case "judge": {
        const answer = this.records[message.place] && table.answersTo(message.place)[message.column];
        if (answer) await host.judge(message.column, answer, message.verdict);
        return;
      }
      case "export":
        return host.save(this.csv());
    }
  }

  private row(place: number): TableRow {
    const table = this.table!;
    const record = this.records[place]!;
    return {
      place,
      line: record.line,
      text: oneLine(record.prompt, ROW_LENGTH),
      ...this.facts(record),
      answers: table.answersTo(place).map((answer) => answer && table.rowAnswer(place, answer)),
    };
  }

  private detail(place: number): TableDetail {
    const table = this.table!;
    const { prompts } = this.subject!;
    const record = this.records[place]!;
    const decision = prompts.decisionOf(record.id);
    const { line, prompt, label: fileLabel } = record;
    return {
      ...{ place, line, prompt, ...this.facts(record) },
      ...(fileLabel && { fileLabel }),
      ...(decision && {
        decision: {
          ...{ label: decision.label, by: decision.by, at: decision.at },
          ...(decision.note && { note: decision.note }),
        },
      }),
      counterparts: table.counterparts(place).map((other) => {
        const counterpart = this.records[other]!;
        const label = prompts.labelOf(counterpart);
        return {
          ...{ place: other, line: counterpart.line, prompt: counterpart.prompt },
          ...(label && { label }),
        };
      }),
      answers: table.answersTo(place).map((answer) => {
        if (!answer) return null;
        const { response, reasoning, judge, reason, human } = answer;
        return {
          ...table.rowAnswer(place, answer),
          response,
          ...(reasoning && { reasoning }),
          ...(judge !== undefined && { judge }),
          ...(reason && { reason: undeterminedWords[reason] }),
          ...(human && { verdict: human }),
        };
      }),
    };
  }

  private facts(record: PromptRecord): Pick<TableRow, "category" | "split" | "pair"> {
    const pair = this.table!.pairOf(record);
    return {
      ...(record.kind !== undefined && { category: record.kind }),
      ...(record.split !== undefined && { split: record.split }),
      ...(pair !== undefined && { pair }),
    };
  }

  private csv(): string {
    const table = this.table!;
    const names = this.columns.map(({ run, title }) => `${title} (${run})`);
    const header = ["line", "prompt", "label", "category", "split", "pair"];
    const ofMethods = names.flatMap((name) => [`${name}: verdict`, `${name}: refusal probability`]);
    const places = this.listed?.places ?? Uint32Array.from(this.records.keys());
    const rows = Array.from(places, (place) => {
      const record = this.records[place]!;
      const { category, split, pair } = this.facts(record);
      const answers = table.answersTo(place);
      return [
        ...[record.line, record.prompt, this.subject!.prompts.labelOf(record), category, split, pair],
        ...answers.flatMap((answer) => [
          answer?.scored ? undefined : answer?.outcome,
          answer?.refusalProbability,
        ]),
      ];
    });
    return csvText([[...header, ...ofMethods], ...rows]);
  }

  private async label({ request, version, places, label }: TableFromPage & { type: "label" }): Promise<void> {
    const refuse = (message: string) => this.host.post({ type: "refused", request, message });
    if (version !== this.version || !this.table) {
      refuse("The file was read anew meanwhile, and nothing was labelled. Press the key again.");
      return;
    }
    const ids = [...new Set(places.flatMap((place) => this.records[place]?.id ?? []))];
    if (ids.length > unaskedLabels && !(await this.host.confirm(ids.length, label))) {
      this.host.post({ type: "declined", request });
      return;
    }
    try {
      await this.host.label(ids, label);
    } catch (error) {
      refuse(this.host.wordError(error));
      return;
    }
    this.changed(ids);
    this.host.post({ type: "labelled", request });
  }

  private async step(step: "undo" | "redo"): Promise<void> {
    try {
      const ids = await this.host.step(step);
      this.changed(ids);
      this.host.post({ type: "stepped", step, places: this.placesOf(ids) });
    } catch (error) {
      this.host.post({ type: "failed", message: this.host.wordError(error) });
    }
  }

  private placesOf(ids: Iterable<string>): Uint32Array {
    return Uint32Array.from([...ids].flatMap((id) => this.places.get(id) ?? []));
  }
}

/** The file with the prompts that it has now: it is read anew in place, and places are those of one reading. */
function frozen(prompts: LabelledPrompts): LabelledPrompts {
  return {
    records: prompts.records,
    get labels() {
      return prompts.labels;
    },
    labelOf: (record) => prompts.labelOf(record),
    decisionOf: (id) => prompts.decisionOf(id),
  };
}
