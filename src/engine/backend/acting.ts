/** Where and how interventions act: the same for every backend, so that it is said once. */
import { leastOf } from "../../statistics/extremes.ts";
import type { Action, Intervention, Positions, Site } from "./interventions.ts";

/** The tokens of a prompt's text that are meant, [first, end), counted from its first. */
export function rangeOf(
  positions: Positions,
  prompt: number,
  promptLength: number,
): readonly [first: number, end: number] {
  if (typeof positions !== "string") return [positions.from[prompt]!, Number.POSITIVE_INFINITY];
  if (positions === "all") return [0, Number.POSITIVE_INFINITY];
  return [positions === "prompt" ? 0 : promptLength - 1, promptLength];
}

/** Whether a token is among those meant. @param position of the token in its text, counted from 0. */
export function isChosen(
  positions: Positions,
  prompt: number,
  promptLength: number,
  position: number,
): boolean {
  const [first, end] = rangeOf(positions, prompt, promptLength);
  return first <= position && position < end;
}

/** The layers of a site that a pass through the first blocks comes by: what the next block would read as well. */
export function layersRun({ at, layers }: Site, blocks: number): number[] {
  return layers.filter((layer) => (at === "block-input" ? layer <= blocks : layer < blocks));
}

/** Every action as x + (h·read)·write, or x + write where nothing is read. */
export interface ReadAndWrite {
  /** Of what is read: the token itself, or the prompt's last one. */
  readonly reads: "self" | "last" | null;
  readonly read: Float32Array | null;
  readonly write: Float32Array;
}

/** What an action reads and writes. */
export function readAndWrite(action: Action): ReadAndWrite {
  if (action.type === "add") return { reads: null, read: null, write: action.vector };
  if (action.type === "project") return { reads: action.of, read: action.read, write: action.write };
  const length = Math.sqrt(action.direction.reduce((sum, x) => sum + x * x, 0));
  const read = action.direction.map((x) => x / length);
  return { reads: "self", read, write: read.map((x) => -x) };
}

/** The factor of an intervention's change for a prompt; 0 where it leaves the prompt alone. */
export function scaleOf({ scale }: Intervention, prompt: number): number {
  return scale?.[prompt] ?? 1;
}

/**
 * Prompts that something acts on, and those that are left alone, each group that has any. They run apart, so that the
 * second kind is computed as if there were no interventions.
 */
export function actedOnApart(count: number, interventions: readonly Intervention[]): number[][] {
  const all = [...Array(count).keys()];
  const acts = (prompt: number) => interventions.some((each) => scaleOf(each, prompt) !== 0);
  return [all.filter(acts), all.filter((prompt) => !acts(prompt))].filter(({ length }) => length > 0);
}

/**
 * How many of the tokens that prompts begin with are the same activations in all of them, so that they may be run once:
 * an intervention that acts on them differently from prompt to prompt ends what they share.
 */
export function sharedUnder(
  interventions: readonly Intervention[],
  prompts: readonly number[],
  shared: number,
): number {
  const limits = interventions.map((each) => {
    const { positions, action } = each;
    // A prompt's last token is never shared.
    if (positions === "last") return shared;
    const acting = prompts.filter((prompt) => scaleOf(each, prompt) !== 0);
    if (acting.length === 0) return shared;
    const from = (prompt: number) => (typeof positions === "string" ? 0 : positions.from[prompt]!);
    const [first] = acting as [number];
    const alike =
      acting.length === prompts.length &&
      !(action.type === "project" && action.of === "last") &&
      acting.every(
        (prompt) => scaleOf(each, prompt) === scaleOf(each, first) && from(prompt) === from(first),
      );
    return alike ? shared : leastOf(acting.map(from));
  });
  return leastOf([shared, ...limits]);
}
