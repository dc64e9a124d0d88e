import type { PromptRecord } from "../../dataset/record.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { PromptFilter, Standing } from "./filter.ts";
import { testOf } from "./filter.ts";
import type { PromptFile } from "./promptFile.ts";
import { type PromptState, promptStates, stateOf, type Tally } from "./promptState.ts";
import { Range } from "./ranges.ts";

/** How the prompts of a file are put together. */
export type GroupBy = "label" | "kind";

/** Prompts of a file that belong together; `key` is a state, or a kind ("" for none). Numbers are places in the file's records. */
export interface Group {
  readonly key: string;
  readonly root: Range;
}

/** What must be drawn anew: the whole file, ranges with their children, and single prompts by their numbers. */
export interface Stale {
  file: boolean;
  ranges: Set<Range>;
  prompts: Set<number>;
}

type Source = Pick<PromptFile, "records" | "decisionOf" | "labels">;

/** One file's prompts in groups, as a filter lets them pass; brought up to date prompt by prompt. */
export class Outline {
  private readonly file: Source;
  private readonly groupBy: GroupBy;
  private readonly passes: (record: PromptRecord, standing: Standing) => boolean;
  private readonly outcomeOf: (id: string) => Outcome | undefined;
  private readonly groupsByKey = new Map<string, Group>();
  private readonly numbers = new Map<string, number[]>();
  /** State of each prompt. */
  private readonly states: PromptState[] = [];
  private readonly disputed: boolean[] = [];
  /** Group of each prompt; undefined where the filter hides it. */
  private readonly keys: (string | undefined)[] = [];
  private readonly counts = Object.fromEntries(promptStates.map((state) => [state, 0])) as Record<
    PromptState,
    number
  >;
  private disputes = 0;
  private shownCount = 0;

  constructor(
    file: Source,
    groupBy: GroupBy,
    filter: PromptFilter,
    outcomeOf: (id: string) => Outcome | undefined,
  ) {
    this.file = file;
    this.groupBy = groupBy;
    this.passes = testOf(filter);
    this.outcomeOf = outcomeOf;
    const members = new Map<string, number[]>();
    for (const [number, record] of file.records.entries()) {
      const same = this.numbers.get(record.id);
      if (same) same.push(number);
      else this.numbers.set(record.id, [number]);
      const key = this.look(number);
      if (key === undefined) continue;
      this.shownCount++;
      const group = members.get(key);
      if (group) group.push(number);
      else members.set(key, [number]);
    }
    for (const [key, numbers] of members) this.groupsByKey.set(key, { key, root: Range.of(numbers) });
  }

  /** The groups that have prompts: labels in their order, kinds by name and those without one last. */
  get groups(): Group[] {
    const order: readonly string[] = promptStates;
    return [...this.groupsByKey.values()].sort((a, b) =>
      this.groupBy === "label"
        ? order.indexOf(a.key) - order.indexOf(b.key)
        : Number(a.key === "") - Number(b.key === "") || a.key.localeCompare(b.key),
    );
  }

  /** Counts over the whole file, whatever the filter hides. */
  get tally(): Tally {
    return { states: this.counts, disputed: this.disputes, total: this.states.length };
  }

  /** How many prompts pass the filter. */
  get shown(): number {
    return this.shownCount;
  }

  /** Where a prompt stands. */
  stateOf(number: number): PromptState {
    return this.states[number]!;
  }

  /** Whether people disagree on a prompt. */
  isDisputed(number: number): boolean {
    return this.disputed[number]!;
  }

  /** The group of a prompt; undefined where the filter hides it. */
  groupOf(number: number): Group | undefined {
    const key = this.keys[number];
    return key === undefined ? undefined : this.groupsByKey.get(key);
  }

  /** Places of the prompts with this id in the file's records. */
  numbersOf(id: string): readonly number[] {
    return this.numbers.get(id) ?? [];
  }

  /**
   * The prompt shown next after another one in its group, else the nearest before it.
   *
   * @param but places of prompts that are passed over
   */
  neighbour(number: number, but: ReadonlySet<number>): number | undefined {
    const numbers = this.groupOf(number)?.root.numbers() ?? [];
    const place = numbers.indexOf(number);
    const free = (candidate: number) => !but.has(candidate);
    return numbers.slice(place + 1).find(free) ?? numbers.slice(0, Math.max(0, place)).findLast(free);
  }

  /** Takes in what was decided about prompts, and says what must be drawn anew. */
  update(ids: Iterable<string>): Stale {
    const stale: Stale = { file: false, ranges: new Set(), prompts: new Set() };
    for (const id of ids) for (const number of this.numbersOf(id)) this.move(number, stale);
    return stale;
  }

  private move(number: number, stale: Stale): void {
    const before = this.keys[number];
    this.counts[this.states[number]!]--;
    if (this.disputed[number]) this.disputes--;
    const after = this.look(number);
    if (before === after) {
      if (after !== undefined) stale.prompts.add(number);
      return;
    }
    if (before !== undefined) {
      this.shownCount--;
      const { root } = this.groupsByKey.get(before)!;
      stale.ranges.add(root.remove(number));
      if (root.count === 0) {
        this.groupsByKey.delete(before);
        stale.file = true;
      }
    }
    if (after !== undefined) {
      this.shownCount++;
      const group = this.groupsByKey.get(after);
      if (group) stale.ranges.add(group.root.add(number));
      else {
        this.groupsByKey.set(after, { key: after, root: Range.of([number]) });
        stale.file = true;
      }
    }
  }

  /** Notes where a prompt stands now, and says the key of the group it belongs to. */
  private look(number: number): string | undefined {
    const record = this.file.records[number]!;
    const state = stateOf(record, this.file.decisionOf(record.id));
    const disputed = this.file.labels.disputed.has(record.id);
    this.states[number] = state;
    this.disputed[number] = disputed;
    this.counts[state]++;
    if (disputed) this.disputes++;
    const passes = this.passes(record, { state, disputed, outcome: this.outcomeOf(record.id) });
    const key = this.groupBy === "label" ? state : (record.kind ?? "");
    this.keys[number] = passes ? key : undefined;
    return this.keys[number];
  }
}
