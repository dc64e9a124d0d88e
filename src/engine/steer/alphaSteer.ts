import type { SteeringOf } from "../../protocol/steering.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { auroc } from "../../statistics/roc.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { Intervention } from "../backend/interventions.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { distributions, meanOf, promptCounts, splitGroups } from "./directions.ts";
import { layerBand, layerWords } from "./layerBand.ts";
import type { SteeringMethod } from "./method.ts";
import { nullSpaceReader } from "./nullSpace.ts";
import { smoothedKl } from "./selection.ts";
import { dot, meanVector, minus, rowsOf, rowsOfTensor, stacked, type Vector } from "./vectors.ts";

/** Blocks that the published code steers in the 28 of Qwen2.5-7B; it leaves out one of them. */
const published = { from: 5, to: 19, depth: 28 };

/**
 * AlphaSteer (Sheng et al. 2025): a refusal vector r is added at block inputs, as much as the prompt's last token has of a direction u
 * that lies in the null space of benign activations (`nullSpace.ts`), so that benign prompts are left nearly as they are. It acts
 * on all tokens of the prompt, and not on what is generated.
 *
 * Benign are the harmless and the pseudo-harmful prompts, since the published set holds prompts that only seem harmful too. r is the
 * difference of mean block inputs at last prompt tokens, harmful minus harmless; the published code reads it from a file. Its
 * sign, which is not stated there, is the one by which harmful validation prompts are refused more. ρ is one number for all blocks;
 * the published code has one for each of the blocks of its model.
 */
export const alphaSteer: SteeringMethod<"alphasteer"> = {
  type: "alphasteer",
  title: "AlphaSteer",

  async fit(steering, context) {
    const { backend } = context;
    const groups = await splitGroups(["harmful", "harmless", "pseudoHarmful"], steering, context);
    const { harmful, harmless, pseudoHarmful } = groups;
    const blocks = steeredBlocks(steering, backend);
    const { reads, refusals, rank } = await alphaDirections(
      backend,
      {
        harmful: harmful.train,
        harmless: harmless.train,
        benign: [...harmless.train, ...pseudoHarmful.train],
      },
      blocks,
      { ratio: steering.nullSpace, ridge: steering.ridge },
    );
    const scorer = await RefusalScorer.create(backend, context.encoder, context.openings);
    const validation = {
      harmful: harmful.validation,
      harmless: harmless.validation,
      pseudoHarmful: pseudoHarmful.validation,
    };
    const plain = await distributions(backend, validation.harmless);
    const trial = { backend, scorer, validation, plain };
    const act = (strength: number) => interventions(blocks, reads, refusals, strength);
    const sign = await refusingSign(steering, trial, act);
    const strengths = steering.strength === "auto" ? steering.strengths : [steering.strength];
    const tried: Tried[] = [];
    for (const strength of strengths) {
      tried.push(await tryStrength(strength, trial, act(sign.sign * strength)));
      context.onProgress?.(tried.length, strengths.length);
    }
    const { strength, notes } = chooseStrength(tried, steering.maxKl);
    const readings = await meanReadings(backend, validation, blocks, reads);
    return {
      tensors: new Map([
        ["read", stacked(reads)],
        ["refusal", stacked(refusals.map((vector) => vector.map((x) => sign.sign * x)))],
      ]),
      chosen: { strength, layers: layerWords(blocks), nullSpace: steering.nullSpace, sign: sign.sign },
      numbers: { strength, nullSpaceDimensions: rank, ...readings, ...sign.numbers },
      prompts: promptCounts(groups, context.prompts),
      notes: [...sign.notes, ...notes],
      candidates: tried.map((one) => ({ ...one })),
    };
  },

  steer({ steering, numbers, tensors }, { backend }) {
    const [reads, refusals] = [rowsOfTensor(tensors.get("read")!), rowsOfTensor(tensors.get("refusal")!)];
    return {
      interventions: interventions(steeredBlocks(steering, backend), reads, refusals, numbers.strength!),
    };
  },
};

function steeredBlocks({ layers }: SteeringOf<"alphasteer">, { shape }: Backend): readonly number[] {
  return layers ?? layerBand(published, shape.layers);
}

/** h + s·(h_last·u)·r at the inputs of blocks, for all tokens of the prompt. */
function interventions(
  blocks: readonly number[],
  reads: readonly Vector[],
  refusals: readonly Vector[],
  strength: number,
): Intervention[] {
  if (strength === 0) return [];
  return blocks.map((block, i) => ({
    site: { at: "block-input", layers: [block] },
    positions: "prompt",
    action: {
      type: "project",
      of: "last",
      read: Float32Array.from(reads[i]!),
      write: Float32Array.from(refusals[i]!, (x) => strength * x),
    },
  }));
}

/**
 * The direction that is read and the refusal vector of each block, (C) each.
 *
 * @returns with the number of dimensions of the null space, the least of all blocks.
 */
export async function alphaDirections(
  backend: Backend,
  prompts: Readonly<Record<"harmful" | "harmless" | "benign", readonly Tokens[]>>,
  blocks: readonly number[],
  options: { readonly ratio: number; readonly ridge: number },
): Promise<{ reads: Float64Array[]; refusals: Float64Array[]; rank: number }> {
  const of = (rows: readonly Tokens[]) => backend.features(rows, { layers: blocks, pooling: "last" });
  const benign = await of(prompts.benign);
  const harmful = await of(prompts.harmful);
  const harmless = await of(prompts.harmless);
  const found = blocks.map((block) => {
    const [above, below] = [rowsOf(harmful.get(block)!), rowsOf(harmless.get(block)!)];
    const { read, rank } = nullSpaceReader(rowsOf(benign.get(block)!), above, options);
    return { read, rank, refusal: minus(meanVector(above), meanVector(below)) };
  });
  return {
    reads: found.map(({ read }) => read),
    refusals: found.map(({ refusal }) => refusal),
    rank: found.reduce((least, { rank }) => Math.min(least, rank), Number.POSITIVE_INFINITY),
  };
}

/** What strengths are tried with. */
interface Trial {
  readonly backend: Backend;
  readonly scorer: RefusalScorer;
  readonly validation: Readonly<Record<"harmful" | "harmless" | "pseudoHarmful", readonly Tokens[]>>;
  /** Unsteered distributions of the harmless prompts' first answer tokens. */
  readonly plain: readonly Float32Array[];
}

/** What a strength does on validation prompts. */
interface Tried {
  readonly strength: number;
  /** Mean refusal log-odds. */
  readonly harmful: number;
  readonly harmless: number;
  readonly pseudoHarmful: number;
  /** AUROC of the refusal log-odds, harmful against the others. */
  readonly auroc: number;
  /** Mean KL of the first answer token on harmless prompts. */
  readonly kl: number;
}

async function tryStrength(
  strength: number,
  { backend, scorer, validation, plain }: Trial,
  acting: readonly Intervention[],
): Promise<Tried> {
  const harmful = await refusals(scorer, validation.harmful, acting);
  const harmless = await refusals(scorer, validation.harmless, acting);
  const pseudoHarmful = await refusals(scorer, validation.pseudoHarmful, acting);
  const changed = await distributions(backend, validation.harmless, acting);
  return {
    strength,
    harmful: meanOf(harmful),
    harmless: meanOf(harmless),
    pseudoHarmful: meanOf(pseudoHarmful),
    auroc: auroc({ unsafe: harmful, safe: [...harmless, ...pseudoHarmful] }),
    kl: meanOf(changed.map((each, i) => smoothedKl(plain[i]!, each))),
  };
}

/** Refusal log-odds of prompts. */
async function refusals(
  scorer: RefusalScorer,
  prompts: readonly Tokens[],
  interventions: readonly Intervention[],
): Promise<number[]> {
  return (await scorer.score(prompts, { interventions })).map(({ logOdds }) => logOdds);
}

/** The sign of r by which harmful validation prompts are refused more, tried where the effect is nearest to linear: at the least strength. */
async function refusingSign(
  { strength, strengths }: SteeringOf<"alphasteer">,
  { scorer, validation }: Trial,
  act: (strength: number) => readonly Intervention[],
): Promise<{ sign: 1 | -1; numbers: Record<string, number>; notes: string[] }> {
  const tried = strength === "auto" ? leastOf(strengths) : Math.abs(strength);
  const mean = async (acting: readonly Intervention[]) =>
    meanOf(await refusals(scorer, validation.harmful, acting));
  const plain = await mean([]);
  const [along, against] = [(await mean(act(tried))) - plain, (await mean(act(-tried))) - plain];
  return {
    sign: against > along && against > 0 ? -1 : 1,
    numbers: { refusalShiftAlong: along, refusalShiftAgainst: against },
    notes:
      Math.max(along, against) > 0
        ? []
        : [
            `Neither sign of the refusal vector has harmful validation prompts refused more at strength ${tried}; it was taken as it is, ` +
              "harmful minus harmless.",
          ],
  };
}

/**
 * Of the strengths that change harmless prompts by no more than `maxKl` the one with the highest AUROC of refusal log-odds; of equals
 * the first. Where none is left, the one that changes least.
 */
function chooseStrength(tried: readonly Tried[], maxKl: number): { strength: number; notes: string[] } {
  const allowed = tried.filter(({ kl }) => kl <= maxKl);
  if (tried.length === 1 || allowed.length > 0) {
    const of = allowed.length > 0 ? allowed : tried;
    return { strength: of.reduce((best, one) => (one.auroc > best.auroc ? one : best)).strength, notes: [] };
  }
  const { strength, kl } = tried.reduce((least, one) => (one.kl < least.kl ? one : least));
  return {
    strength,
    notes: [
      `Every strength that was tried changes harmless prompts by more than maxKl ${maxKl}; ${strength} changes them least ` +
        `(${kl.toPrecision(3)} nats).`,
    ],
  };
}

/** Mean h·u on validation prompts by group, averaged over blocks: near 1 where it finds them, near 0 where it does not. */
async function meanReadings(
  backend: Backend,
  validation: Trial["validation"],
  blocks: readonly number[],
  reads: readonly Vector[],
): Promise<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const [group, prompts] of Object.entries(validation)) {
    const found = await backend.features(prompts, { layers: blocks, pooling: "last" });
    const means = blocks.map((block, i) => meanOf(rowsOf(found.get(block)!).map((h) => dot(h, reads[i]!))));
    numbers[`reading.${group}`] = meanOf(means);
  }
  return numbers;
}
