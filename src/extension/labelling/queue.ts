import { setImmediate } from "node:timers/promises";
import { pickDiverse } from "../../dataset/diverse.ts";
import { peoplesLabels } from "../../dataset/labelMerge.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Labelling } from "../../protocol/webview/labelAgreement.ts";
import { type LabelByte, unpackLabel } from "../../protocol/webview/labelBytes.ts";
import type { LabelFilter, PromptOrder, Query } from "../../protocol/webview/labelling.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { count, percent, probability as wordProbability } from "../../wording/numbers.ts";
import { wordDecision } from "../prompts/words.ts";
import { differingIds, saidBy } from "./agreement.ts";
import { wordConflict } from "./mergeWords.ts";
import { type LabelledPrompts, labelByte } from "./prompts.ts";

/** Prompts in the order in which they come up. */
export interface Queue {
  /** Their places in the file. */
  readonly places: Uint32Array;
  /** Why a prompt stands where it does; undefined where the order gives no reason. */
  reason(place: number): string | undefined;
}

/** Refusal probability of a prompt in the run that is shown, in [0, 1]; undefined where it was not asked. */
type Probability = (record: PromptRecord) => number | undefined;

/** So many of the prompts that the model is least sure of are weighed against each other by how they differ. */
const WEIGHED = 2000;
/** So many of them come first in that order; the others follow by uncertainty alone. */
const PICKED = 200;
/** So many of the prompts labelled last count as seen: what is like them says little more. */
const SEEN = 200;

/** The prompts that a query asks for, in its order; ties keep the file's order. */
export async function queueOf(
  prompts: LabelledPrompts,
  query: Query,
  probability: Probability,
): Promise<Queue> {
  const found = matching(prompts, query);
  const reasons = new Map<number, string>();
  const differing = query.differ && differenceOf(prompts, query.differ);
  if (differing) {
    for (const place of found) reasons.set(place, differing(prompts.records[place]!.id));
  }
  const places = await inOrder(prompts, found, query.order, probability, reasons);
  return { places: Uint32Array.from(places), reason: (place) => reasons.get(place) };
}

/** The places of the prompts that a query asks for, in the file's order. */
function matching(prompts: LabelledPrompts, query: Query): number[] {
  const wanted = query.text.trim().toLocaleLowerCase();
  const differing = query.differ && differingIds(prompts.labels.decisions, query.differ);
  const places: number[] = [];
  for (const [place, record] of prompts.records.entries()) {
    if (differing && !differing.has(record.id)) continue;
    if (!passes(stateAt(prompts, place), query.label)) continue;
    if (wanted !== "" && !`${record.kind ?? ""}\n${record.prompt}`.toLocaleLowerCase().includes(wanted))
      continue;
    places.push(place);
  }
  return places;
}

async function inOrder(
  prompts: LabelledPrompts,
  places: number[],
  order: PromptOrder,
  probability: Probability,
  reasons: Map<number, string>,
): Promise<number[]> {
  switch (order) {
    case "file":
      return places;
    case "unlabelled":
      return ranked(places, (place) => openness(stateAt(prompts, place)));
    case "disputed":
      return byDispute(prompts, places, reasons);
    case "disagreement":
      return byDisagreement(prompts, places, probability, reasons);
    case "informative":
      return byInformation(prompts, places, probability, reasons);
  }
}

/** Prompts that were only seen come after those nobody has looked at. */
function openness({ state }: LabelByte): number {
  return state === "unlabelled" ? 0 : state === "skipped" ? 1 : 2;
}

/** Those first on which most people are against the majority, with who says what. */
function byDispute(prompts: LabelledPrompts, places: number[], reasons: Map<number, string>): number[] {
  const { disputed, decisions } = prompts.labels;
  const byId = Map.groupBy(
    decisions.filter(({ id }) => disputed.has(id)),
    ({ id }) => id,
  );
  const shares = new Map<number, number>();
  for (const place of places) {
    const records = byId.get(prompts.records[place]!.id);
    if (!records) continue;
    const labels = peoplesLabels(records);
    const votes = Map.groupBy(labels, ({ label }) => label);
    const most = greatestOf([...votes.values()].map(({ length }) => length));
    shares.set(place, 1 - most / labels.length);
    reasons.set(place, `People differ. ${wordConflict({ labels })}`);
  }
  return ranked(places, (place) => -(shares.get(place) ?? 0));
}

/** Those first whose label and refusal probability are farthest apart: toxic prompts should be refused, all others answered. */
function byDisagreement(
  prompts: LabelledPrompts,
  places: number[],
  probability: Probability,
  reasons: Map<number, string>,
): number[] {
  const gaps = new Map<number, number>();
  for (const place of places) {
    const record = prompts.records[place]!;
    const [label, p] = [prompts.labelOf(record), probability(record)];
    if (label === undefined || p === undefined) continue;
    const gap = label === "toxic" ? 1 - p : p;
    gaps.set(place, gap);
    const stands = gap > 0.5 ? "The model disagrees" : "The model agrees";
    reasons.set(
      place,
      `${stands}: labelled ${wordDecision(label)}, refusal probability ${wordProbability(p)}`,
    );
  }
  return ranked(places, (place) => -(gaps.get(place) ?? -1));
}

/**
 * Open prompts by the model's uncertainty times their distance from those before them and from those labelled last, then the others
 * by uncertainty. A refusal probability of one half is least certain.
 */
async function byInformation(
  prompts: LabelledPrompts,
  places: number[],
  probability: Probability,
  reasons: Map<number, string>,
): Promise<number[]> {
  const uncertainty = new Map<number, number>();
  for (const place of places) {
    const p = probability(prompts.records[place]!);
    if (p !== undefined) uncertainty.set(place, 1 - Math.abs(2 * p - 1));
  }
  const byUncertainty = ranked(places, (place) => -(uncertainty.get(place) ?? -1));
  const isOpen = (place: number) => uncertainty.has(place) && openness(stateAt(prompts, place)) < 2;
  const open = byUncertainty.filter(isOpen);
  const weighed = open.slice(0, WEIGHED);
  const picks = await inTurns(
    pickDiverse(
      weighed.map((place) => ({ prompt: prompts.records[place]!.prompt, weight: uncertainty.get(place)! })),
      labelledLast(prompts),
      PICKED,
    ),
  );
  const first = picks.map(({ index }) => weighed[index]!);
  for (const [i, { distance }] of picks.entries()) {
    const p = probability(prompts.records[first[i]!]!)!;
    const like = distance === 1 ? "like no prompt" : `at most ${percent(1 - distance)} like a prompt`;
    reasons.set(first[i]!, `Refusal probability ${wordProbability(p)}; ${like} before it or labelled last`);
  }
  const taken = new Set(first);
  const rest = [...open, ...byUncertainty.filter((place) => !isOpen(place))].filter(
    (place) => !taken.has(place),
  );
  for (const place of rest) {
    const p = probability(prompts.records[place]!);
    reasons.set(
      place,
      p === undefined ? "The model was not asked" : `Refusal probability ${wordProbability(p)}`,
    );
  }
  return [...first, ...rest];
}

/** The words of the prompts that people labelled last. */
function labelledLast(prompts: LabelledPrompts): string[] {
  const last = new Set<string>();
  for (let i = prompts.labels.decisions.length - 1; i >= 0 && last.size < SEEN; i--) {
    const { id, label } = prompts.labels.decisions[i]!;
    if (label !== "skip" && label !== "withdrawn") last.add(id);
  }
  return prompts.records.filter(({ id }) => last.has(id)).map(({ prompt }) => prompt);
}

/** Says what each of two labellings says of a prompt. */
function differenceOf(
  prompts: LabelledPrompts,
  { first, second }: { first: Labelling; second: Labelling },
): (id: string) => string {
  const [one, other] = [first, second].map((each) => saidBy(prompts.labels.decisions, each));
  const again = first.by === second.by;
  const name = ({ by, pass }: Labelling) => (again ? `pass ${count(pass)}` : by);
  const word = (label: string | undefined) => wordDecision(label === "excluded" ? null : (label ?? "skip"));
  return (id) =>
    `${again ? `${first.by}, ` : ""}${name(first)}: ${word(one!.get(id))}; ${name(second)}: ${word(other!.get(id))}`;
}

function passes({ state, disputed }: LabelByte, filter: LabelFilter): boolean {
  if (filter === "all") return true;
  return filter === "disputed" ? disputed : state === filter;
}

function stateAt(prompts: LabelledPrompts, place: number): LabelByte {
  const record: PromptRecord = prompts.records[place]!;
  return unpackLabel(labelByte(prompts, record));
}

/** Places by a rank, smaller first; of equals the file's order. */
function ranked(places: readonly number[], rankOf: (place: number) => number): number[] {
  const ranks = new Map(places.map((place) => [place, rankOf(place)]));
  return places.toSorted((a, b) => ranks.get(a)! - ranks.get(b)! || a - b);
}

/** Carries out work that yields, and lets others have the event loop. */
async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await setImmediate();
  }
}
