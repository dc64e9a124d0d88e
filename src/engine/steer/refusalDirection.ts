import { DiscernError } from "../../protocol/errors.ts";
import type { SteeringGroup, SteeringOf } from "../../protocol/steering.ts";
import type { Tokens } from "../backend/backend.ts";
import type { Parameter } from "../model/weights.ts";
import { differences, type Means, meanActivations } from "../probe/meanActivations.ts";
import { promptCounts, refusalScores, type Split, splitGroups, tooFew } from "./directions.ts";
import type { FitContext, Fitted } from "./method.ts";
import { refusalTokens } from "./refusalTokens.ts";
import { type Candidate, type Selected, type SelectionOptions, select } from "./selection.ts";

/** Keys that all methods of a direction between two means have. */
export type DirectionKeys = Pick<
  SteeringOf<"refusal-ablation">,
  "train" | "validation" | "filter" | "layer" | "position" | "refusalTokens" | "maxKl"
>;

/** The prompts of each group as they are used, and what is known before candidates are made. */
export interface Prepared<G extends SteeringGroup> {
  readonly splits: Readonly<Record<G, Split>>;
  /** R of the refusal score. */
  readonly tokens: readonly number[];
  /** Negative, ascending. */
  readonly positions: readonly number[];
  readonly notes: readonly string[];
}

/** Which prompts of a group are filtered by the refusal score, and on which side of 0 it must lie. */
export type Filters<G extends SteeringGroup> = Readonly<
  Record<G, { readonly refused: boolean; readonly validation: boolean }>
>;

/**
 * Draws the prompts, derives R and leaves out prompts that the model does not take as their group says (refusal score above 0 for
 * refused ones, below 0 for others).
 *
 * @throws DiscernError `group-too-small`, `request-invalid`.
 */
export async function prepare<G extends SteeringGroup>(
  keys: DirectionKeys,
  context: FitContext,
  filters: Filters<G | "harmful" | "harmless">,
): Promise<Prepared<G | "harmful" | "harmless">> {
  type Group = G | "harmful" | "harmless";
  const groups = Object.keys(filters) as Group[];
  const drawn = await splitGroups(groups, keys, context);
  const { tokens, notes } = await refusalTokens(
    context,
    { harmful: drawn.harmful.train, harmless: drawn.harmless.train },
    keys.refusalTokens,
  );
  const length = context.suffix.tokens.length;
  const positions = Array.from({ length: Math.max(1, length) }, (_, i) => i - Math.max(1, length));
  if (keys.position !== "auto" && !positions.includes(keys.position)) {
    throw new DiscernError(
      "request-invalid",
      `steering.position is ${keys.position}, and the template writes ${length} tokens behind the user's words, which are positions ` +
        `${positions[0]} to −1.`,
    );
  }
  if (!keys.filter) return { splits: drawn, tokens, positions, notes };
  const entries: [Group, Split][] = [];
  for (const group of groups) {
    const { refused, validation } = filters[group];
    const kept = async (prompts: readonly Tokens[], part: string) => {
      const scores = await refusalScores(context.backend, prompts, tokens);
      const found = prompts.filter((_, i) => (refused ? scores[i]! > 0 : scores[i]! < 0));
      if (found.length >= 2) return found;
      const would = refused ? "would refuse" : "would not refuse";
      throw tooFew(
        group,
        `the model ${would} ${found.length} of the ${prompts.length} drawn for ${part} (refusal score ${refused ? "above" : "below"} 0). ` +
          'Tune the model for safety first, or keep all of them by "filter": false',
      );
    };
    const { train, validation: compared } = drawn[group];
    entries.push([
      group,
      {
        train: await kept(train, "training"),
        validation: validation ? await kept(compared, "validation") : compared,
      },
    ]);
  }
  return { splits: Object.fromEntries(entries) as Record<Group, Split>, tokens, positions, notes };
}

/** r = mean of harmful − mean of harmless prompts, at every position and layer, in float64. */
export async function refusalDirections(
  { backend }: FitContext,
  { splits, positions }: Prepared<"harmful" | "harmless">,
): Promise<{ harmless: Means; refusal: Means }> {
  const harmful = await meanActivations(backend, splits.harmful.train, positions);
  const harmless = await meanActivations(backend, splits.harmless.train, positions);
  return { harmless, refusal: differences(harmful, harmless) };
}

/** The candidates of directions at positions and layers. */
export function candidatesOf(directions: Means, positions: readonly number[]): Candidate[] {
  return directions.flatMap((layers, p) =>
    layers.map((direction, layer) => ({ position: positions[p]!, layer, direction })),
  );
}

/**
 * Fits the refusal direction (Arditi et al. 2024): difference of means, chosen by bypass, induce and KL scores.
 *
 * @throws DiscernError as {@link prepare} and `select`.
 */
export async function fitRefusalDirection(
  keys: DirectionKeys,
  context: FitContext,
): Promise<{ fitted: Omit<Fitted, "chosen">; selected: Selected; direction: Float32Array }> {
  const prepared = await prepare<never>(keys, context, {
    harmful: { refused: true, validation: true },
    harmless: { refused: false, validation: true },
  });
  const { splits } = prepared;
  const { refusal } = await refusalDirections(context, prepared);
  const selected = await select(candidatesOf(refusal, prepared.positions), {
    ...selectionOf(keys, context, prepared),
    refused: splits.harmful.validation,
    mustInduce: true,
  });
  const direction = Float32Array.from(selected.candidate.direction);
  return { fitted: fittedOf(prepared, selected, direction, context), selected, direction };
}

/** What every selection of a direction is made with. */
export function selectionOf(
  { maxKl, layer, position }: DirectionKeys,
  { backend, onProgress }: FitContext,
  { splits, tokens }: Prepared<"harmful" | "harmless">,
): Omit<SelectionOptions, "refused" | "mustInduce"> {
  return {
    backend,
    tokens,
    harmless: splits.harmless.validation,
    maxKl,
    fixed: { layer, position },
    ...(onProgress && { onProgress }),
  };
}

/** What a selected direction comes to in a file. @param direction (C), as it is applied. */
export function fittedOf(
  { splits, tokens, notes }: Prepared<"harmful" | "harmless">,
  { scores, table, notes: said }: Selected,
  direction: Float32Array,
  { prompts }: FitContext,
): Omit<Fitted, "chosen"> {
  const numbers = Object.entries(scores).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, value] as const] : [],
  );
  const tensor: Parameter = { shape: [direction.length], data: direction };
  return {
    numbers: { ...Object.fromEntries(numbers), refusalTokens: tokens.length },
    tensors: new Map([["direction", tensor]]),
    prompts: promptCounts(splits, prompts),
    candidates: table,
    notes: [...notes, ...said],
  };
}
