import type { PromptRecord } from "../../dataset/record.ts";
import { labelStates, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import {
  type RowAnswer,
  rowFlags,
  type SortKey,
  type TableView,
  type VerdictFilter,
} from "../../protocol/webview/table.ts";
import { type Answer, keyOf } from "../evaluation/answers.ts";
import { standing } from "../evaluation/match.ts";
import { type LabelledPrompts, labelByte } from "../labelling/prompts.ts";

/** The answers of a method that is shown, by `keyOf`. */
export type MethodAnswers = ReadonlyMap<string, Answer>;

/** What a view lists: places of prompts in its order, and what the pairs among them are. */
export interface Listed {
  readonly places: Uint32Array;
  /** Bits of `rowFlags`; null where pairs do not stand together. */
  readonly flags: Uint8Array | null;
}

const collator = new Intl.Collator("en", { numeric: true });

/**
 * The prompts of a file as a table that is filtered and sorted. It holds a number per prompt and column that was sorted by, so that
 * sorting 200,000 prompts compares numbers, and no copy of any text.
 */
export class PromptTable {
  readonly prompts: LabelledPrompts;
  private readonly records: readonly PromptRecord[];
  private readonly ranks = new Map<SortKey, Float64Array>();
  private methods: readonly MethodAnswers[] = [];
  private members: ReadonlyMap<string, readonly number[]> = new Map();
  private named: ReadonlyMap<string, string> | undefined;

  constructor(prompts: LabelledPrompts) {
    this.prompts = prompts;
    this.records = prompts.records;
  }

  /** Shows these methods, the marked one last. */
  show(methods: readonly MethodAnswers[]): void {
    this.methods = methods;
    for (const key of ["verdict0", "probability0", "verdict1", "probability1"] as const) {
      this.ranks.delete(key);
    }
  }

  /** The distinct values of a column, sorted; "" for prompts without one, and nothing where no prompt has one. */
  values(of: "kind" | "split"): string[] {
    const values = [...new Set(this.records.map((record) => record[of] ?? ""))].sort(collator.compare);
    return values.length === 1 && values[0] === "" ? [] : values;
  }

  /** Whether any two prompts are of one pair. */
  get paired(): boolean {
    return [...this.pairs.values()].some((places) => places.length > 1);
  }

  /** How many prompts a method answered. */
  answered(method: MethodAnswers): number {
    return this.records.reduce((sum, record) => sum + (method.has(keyOf(record)) ? 1 : 0), 0);
  }

  /** The name of a prompt's pair, as people named it, else as the file does. */
  pairOf({ id, pair }: PromptRecord): string | undefined {
    return this.prompts.labels.pairs.get(id) ?? pair;
  }

  /** Places of the other prompts of a prompt's pair, in the file's order. */
  counterparts(place: number): number[] {
    const pair = this.pairOf(this.records[place]!);
    return pair === undefined ? [] : (this.pairs.get(pair) ?? []).filter((other) => other !== place);
  }

  /** What the methods that are shown did with a prompt; null for one that did not answer it. */
  answersTo(place: number): (Answer | null)[] {
    const key = keyOf(this.records[place]!);
    return this.methods.map((method) => method.get(key) ?? null);
  }

  /** An answer as a row shows it. */
  rowAnswer(place: number, answer: Answer): RowAnswer {
    const record = this.records[place]!;
    const { failure } = standing(record, this.prompts.decisionOf(record.id), answer);
    const { outcome, refusalProbability: probability, human } = answer;
    const row = { outcome, probability, human: human !== undefined, failure };
    return answer.scored ? { ...row, scored: true } : row;
  }

  /** The prompts that a view lists. Prompts without what it sorts by come last, whichever the direction; ties keep the file's order. */
  list(view: TableView): Listed {
    const passes = this.filterOf(view);
    let length = 0;
    const all = new Uint32Array(this.records.length);
    for (let place = 0; place < all.length; place++) if (passes(place)) all[length++] = place;
    const places = all.subarray(0, length);
    if (view.sort && view.sort.by !== "line") sortPlaces(places, this.rank(view.sort.by), view.sort.down);
    else if (view.sort?.down) places.reverse();
    return view.pairs ? this.withPairs(places) : { places: places.slice(), flags: null };
  }

  private get pairs(): ReadonlyMap<string, readonly number[]> {
    const { pairs } = this.prompts.labels;
    if (this.named !== pairs) {
      const members = new Map<string, number[]>();
      for (const [place, record] of this.records.entries()) {
        const name = this.pairOf(record);
        if (name === undefined) continue;
        const known = members.get(name);
        if (known) known.push(place);
        else members.set(name, [place]);
      }
      this.members = members;
      this.named = pairs;
      this.ranks.delete("pair");
    }
    return this.members;
  }

  private filterOf({ text, label, category, split, verdict }: TableView): (place: number) => boolean {
    const { records } = this;
    const words = text.trim().toLocaleLowerCase();
    const tests: ((place: number) => boolean)[] = [];
    if (category !== null) tests.push((place) => (records[place]!.kind ?? "") === category);
    if (split !== null) tests.push((place) => (records[place]!.split ?? "") === split);
    if (label !== "all") {
      tests.push((place) => {
        const { state, disputed } = unpackLabel(labelByte(this.prompts, records[place]!));
        return label === "disputed" ? disputed : state === label;
      });
    }
    if (verdict !== "all") tests.push((place) => this.hasVerdict(place, verdict));
    // The dearest test is the last.
    if (words !== "") tests.push((place) => records[place]!.prompt.toLocaleLowerCase().includes(words));
    return (place) => tests.every((test) => test(place));
  }

  private hasVerdict(place: number, verdict: Exclude<VerdictFilter, "all">): boolean {
    const answers = this.answersTo(place);
    const marked = answers.at(-1) ?? null;
    if (verdict === "none") return marked === null;
    if (marked === null) return false;
    if (verdict === "refused" || verdict === "complied" || verdict === "undetermined") {
      return !marked.scored && marked.outcome === verdict;
    }
    if (verdict === "methods") {
      return answers.some((answer) => answer !== null && isOtherwise(answer, marked));
    }
    const { failure } = this.rowAnswer(place, marked);
    return verdict === "disagrees" ? failure !== null : failure === verdict;
  }

  /** Each counterpart follows the first of its pair that a list has, also one that the list left out. */
  private withPairs(places: Uint32Array): Listed {
    const { records } = this;
    const listed = new Uint8Array(records.length);
    for (const place of places) listed[place] = 1;
    const done = new Uint8Array(records.length);
    const order: number[] = [];
    const flags: number[] = [];
    const add = (place: number, flag: number) => {
      done[place] = 1;
      order.push(place);
      flags.push((listed[place] ? 0 : rowFlags.beside) | flag);
    };
    for (const place of places) {
      if (done[place]) continue;
      const others = this.counterparts(place).filter((other) => !done[other]);
      add(place, others.length > 0 ? rowFlags.continued : 0);
      for (const [i, other] of others.entries()) {
        add(other, rowFlags.continues | (i + 1 < others.length ? rowFlags.continued : 0));
      }
    }
    return { places: Uint32Array.from(order), flags: Uint8Array.from(flags) };
  }

  /** A number per prompt by which a column is sorted, NaN for a prompt without a value. */
  private rank(by: SortKey): Float64Array {
    const { records } = this;
    // Labels change with every key.
    if (by === "label") return Float64Array.from(records, (record) => this.labelRank(record));
    if (by === "pair") void this.pairs;
    const known = this.ranks.get(by);
    if (known) return known;
    const rank = this.rankOf(by);
    this.ranks.set(by, rank);
    return rank;
  }

  private rankOf(by: Exclude<SortKey, "label">): Float64Array {
    const { records } = this;
    switch (by) {
      case "line":
        return Float64Array.from(records, ({ line }) => line);
      case "prompt":
        return textRanks(records.map(({ prompt }) => prompt.slice(0, SORTED_LENGTH)));
      case "category":
        return textRanks(records.map(({ kind }) => kind));
      case "split":
        return textRanks(records.map(({ split }) => split));
      case "pair":
        return textRanks(records.map((record) => this.pairOf(record)));
      default: {
        const method = this.methods[by.endsWith("0") ? 0 : 1];
        const value = by.startsWith("verdict")
          ? ({ outcome }: Answer) => outcomes.indexOf(outcome)
          : ({ refusalProbability }: Answer) => refusalProbability;
        return Float64Array.from(records, (record) => {
          const answer = method?.get(keyOf(record));
          return answer === undefined ? Number.NaN : value(answer);
        });
      }
    }
  }

  private labelRank(record: PromptRecord): number {
    const { state } = unpackLabel(labelByte(this.prompts, record));
    const rank = labelStates.indexOf(state);
    return state === "unlabelled" ? Number.NaN : rank;
  }
}

/** Whether two answers have different verdicts; a score has none. */
function isOtherwise(one: Answer, other: Answer): boolean {
  return !one.scored && !other.scored && one.outcome !== other.outcome;
}

const outcomes = ["complied", "undetermined", "refused"];

/** Characters by which prompts are sorted; those that begin alike so far keep the file's order. */
const SORTED_LENGTH = 120;

/** The rank of each text among the distinct ones; NaN where there is none. */
function textRanks(texts: readonly (string | undefined)[]): Float64Array {
  const sorted = [...new Set(texts)].filter((text) => text !== undefined).sort(collator.compare);
  const ranks = new Map(sorted.map((text, rank) => [text, rank]));
  return Float64Array.from(texts, (text) => (text === undefined ? Number.NaN : ranks.get(text)!));
}

function sortPlaces(places: Uint32Array, rank: Float64Array, down: boolean): void {
  const sign = down ? -1 : 1;
  places.sort((a, b) => {
    const [x, y] = [rank[a]!, rank[b]!];
    if (x === y) return a - b;
    if (Number.isNaN(x) || Number.isNaN(y)) {
      return Number.isNaN(x) && Number.isNaN(y) ? a - b : Number.isNaN(x) ? 1 : -1;
    }
    return sign * (x - y);
  });
}
