import { DiscernError } from "../../protocol/errors.ts";
import type { SteeringOf } from "../../protocol/steering.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import { ablation } from "./ablation.ts";
import { distributions, meanOf, nextTokens, refusalScores } from "./directions.ts";

/** A direction that a method could take. */
export interface Candidate {
  /** Counted from the end of the prompt. */
  readonly position: number;
  /** Block whose input it was read at. */
  readonly layer: number;
  /** (C) */
  readonly direction: Float64Array;
}

/** What a candidate does on the validation prompts; null where an earlier test had left it out. */
export type CandidateScores = {
  /** Mean KL of the first answer token on harmless prompts, unsteered against ablated. */
  readonly kl: number | null;
  /** Mean refusal score of harmless prompts with the direction added. */
  readonly induce: number | null;
  /** Mean refusal score under ablation of the prompts that should no longer be refused. */
  readonly bypass: number | null;
  /** Why it was left out; null where it was not. */
  readonly leftOut: "zero" | "late" | "kl" | "induce" | null;
};

/** How candidates are compared. */
export interface SelectionOptions {
  readonly backend: Backend;
  /** R of the refusal score. */
  readonly tokens: readonly number[];
  /** Prompts whose refusal is to go. */
  readonly refused: readonly Tokens[];
  readonly harmless: readonly Tokens[];
  readonly maxKl: number;
  /** Whether the direction, added, must have harmless prompts refused. */
  readonly mustInduce: boolean;
  /** What a person fixed of the choice. */
  readonly fixed: Pick<SteeringOf<"refusal-ablation">, "layer" | "position">;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Selected {
  readonly candidate: Candidate;
  readonly scores: CandidateScores;
  /** All candidates, as a file and a report state them. */
  readonly table: (Omit<Candidate, "direction"> & CandidateScores)[];
  readonly notes: readonly string[];
}

/** Share of the layers beyond which no direction is taken. */
const lastLayers = 0.8;

/**
 * Chooses among candidates as Arditi et al. do: those are left out that are not finite or zero, that lie in the last fifth of the layers,
 * whose ablation changes harmless prompts by more than `maxKl`, or that do not induce refusal where that is asked for; of the others
 * the one with the lowest mean refusal score under ablation. A test is made only of candidates that passed those before it, which
 * leaves the choice as it is. Where layer and position are both fixed nothing is left out.
 *
 * @throws DiscernError `request-invalid` where no candidate is left, with how many each test left out.
 */
export async function select(candidates: readonly Candidate[], options: SelectionOptions): Promise<Selected> {
  const { fixed, onProgress, backend } = options;
  const wanted = candidates.filter(
    ({ position, layer }) =>
      (fixed.layer === "auto" || fixed.layer === layer) &&
      (fixed.position === "auto" || fixed.position === position),
  );
  const isFixed = fixed.layer !== "auto" && fixed.position !== "auto";
  const end = fixed.layer === "auto" ? Math.floor(lastLayers * backend.shape.layers) : backend.shape.layers;
  const plain = await distributions(backend, options.harmless);
  const table: Selected["table"] = [];
  let best: { candidate: Candidate; scores: CandidateScores } | undefined;
  for (const [i, candidate] of wanted.entries()) {
    const scores = await scoresOf(candidate, { ...options, plain, end, isFixed });
    const { position, layer } = candidate;
    table.push({ position, layer, ...scores });
    const { bypass, leftOut } = scores;
    if (
      leftOut === null &&
      bypass !== null &&
      !(bypass >= (best?.scores.bypass ?? Number.POSITIVE_INFINITY))
    ) {
      best = { candidate, scores };
    }
    onProgress?.(i + 1, wanted.length);
  }
  if (best === undefined) throw noneLeft(table, options);
  return {
    ...best,
    table,
    notes: isFixed
      ? [
          "Layer and position are those of the recipe: no candidates were compared, and no test left this one out.",
        ]
      : [],
  };
}

interface ScoredOptions extends SelectionOptions {
  /** Unsteered distributions of the harmless prompts. */
  readonly plain: readonly Float32Array[];
  readonly end: number;
  readonly isFixed: boolean;
}

async function scoresOf({ layer, direction }: Candidate, options: ScoredOptions): Promise<CandidateScores> {
  const { backend, tokens, refused, harmless, maxKl, mustInduce, plain, end, isFixed } = options;
  const found = { kl: null, induce: null, bypass: null };
  const vector = Float32Array.from(direction);
  if (!vector.every(Number.isFinite) || vector.every((x) => x === 0)) return { ...found, leftOut: "zero" };
  if (layer >= end) return { ...found, leftOut: "late" };
  const ablated = ablation(backend.shape.layers, vector);
  const kl = await meanKl(backend, harmless, plain, ablated);
  if (!isFixed && !(kl <= maxKl)) return { ...found, kl, leftOut: "kl" };
  const added = {
    site: { at: "block-input", layers: [layer] },
    positions: "all",
    action: { type: "add", vector },
  } as const;
  const induce = mustInduce ? meanOf(await refusalScores(backend, harmless, tokens, [added])) : null;
  if (!isFixed && induce !== null && !(induce >= 0)) return { ...found, kl, induce, leftOut: "induce" };
  const bypass = meanOf(await refusalScores(backend, refused, tokens, ablated));
  return { kl, induce, bypass, leftOut: null };
}

async function meanKl(
  backend: Backend,
  prompts: readonly Tokens[],
  plain: readonly Float32Array[],
  interventions: ReturnType<typeof ablation>,
): Promise<number> {
  const found: number[] = [];
  for await (const changed of nextTokens(backend, prompts, interventions)) {
    found.push(smoothedKl(plain[found.length]!, changed));
  }
  return meanOf(found);
}

/** Σ p(ln(p + 1e-6) − ln(q + 1e-6)), as Arditi et al. select by. @param p @param q log-probabilities (V). */
export function smoothedKl(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (const [i, logP] of p.entries()) {
    const probability = Math.exp(logP);
    sum += probability * (Math.log(probability + 1e-6) - Math.log(Math.exp(q[i]!) + 1e-6));
  }
  return sum;
}

function noneLeft(table: Selected["table"], { maxKl, fixed }: SelectionOptions): DiscernError {
  const count = (reason: CandidateScores["leftOut"]) =>
    table.filter(({ leftOut }) => leftOut === reason).length;
  if (table.length === 0) {
    return new DiscernError(
      "request-invalid",
      `The steering has no candidate at layer ${fixed.layer} and position ${fixed.position}. Leave one of them out.`,
    );
  }
  const kls = table.flatMap(({ kl }) => kl ?? []);
  const least = kls.length === 0 ? "" : ` (the least is ${leastOf(kls).toPrecision(3)})`;
  const inducing = table.flatMap(({ induce }) => induce ?? []);
  const most = inducing.length === 0 ? "" : ` (the highest score is ${greatestOf(inducing).toPrecision(3)})`;
  return new DiscernError(
    "request-invalid",
    `No direction can be chosen for the steering: of ${table.length} candidates ${count("zero")} are zero or not finite, ${count("late")} lie in ` +
      `the last fifth of the layers, ${count("kl")} change harmless prompts by more than steering.maxKl ${maxKl}${least}, and ` +
      `${count("induce")} do not induce refusal when added${most}. Raise steering.maxKl, name steering.layer and steering.position, or give ` +
      "prompts that differ more.",
  );
}
