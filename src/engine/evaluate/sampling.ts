import type { SamplingRecipe } from "../../protocol/sampling.ts";
import { shuffled, stream } from "../../statistics/random.ts";
import { drawSeed } from "../probe/sample.ts";

/** A prompt as far as sampling is concerned. */
interface Sampled {
  readonly id: string;
  readonly unsafe: boolean;
}

/** One answer that is to be sampled: to the prompt at `index`, drawn by `seed`. */
export interface Draw {
  readonly index: number;
  readonly seed: number;
}

/**
 * The answers that are sampled of a suite: so many for each chosen prompt. Where the number of prompts is limited, half are
 * unsafe and half safe as far as there are so many, drawn by the seed. A draw's seed follows from the prompt and its number
 * alone, so that suites, batches and limits do not change it.
 */
export function sampledDraws(
  prompts: readonly Sampled[],
  { samples, limit }: SamplingRecipe,
  seed: number,
): Draw[] {
  return chosen(prompts, limit ?? prompts.length, seed).flatMap((index) =>
    Array.from({ length: samples }, (_, k) => ({
      index,
      seed: drawSeed(seed, prompts[index]!.id, k),
    })),
  );
}

/** Indices of the prompts that are sampled, in their order. */
function chosen(prompts: readonly Sampled[], limit: number, seed: number): number[] {
  if (limit >= prompts.length) return [...prompts.keys()];
  const random = stream(seed, "sampled prompts");
  const [unsafe, safe] = [true, false].map((side) =>
    shuffled(
      [...prompts.keys()].filter((i) => prompts[i]!.unsafe === side),
      random,
    ),
  ) as [number[], number[]];
  const half = Math.floor(limit / 2);
  const ofUnsafe = Math.max(Math.min(unsafe.length, half), limit - safe.length);
  return [...unsafe.slice(0, ofUnsafe), ...safe.slice(0, limit - ofUnsafe)].sort((a, b) => a - b);
}
