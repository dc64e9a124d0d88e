import { createHash } from "node:crypto";
import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * A generator for one purpose, named by words and numbers: ("order", epoch), ("dropout", step, module). Streams of
 * different names are independent, and a stage that resumes at step n asks for the stream of step n.
 */
export function stream(seed: number, ...name: readonly (string | number)[]): RandomGenerator {
  const digest = createHash("sha256")
    .update(JSON.stringify([seed, ...name]))
    .digest();
  return xoroshiro128plus(digest.readInt32LE(0));
}

/** A copy of `items` in random order (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = uniformInt(random, 0, i);
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

/**
 * `count` items from position `start` of the endless walk through `items`: every epoch takes each of them once, in an
 * order of its own.
 *
 * @param epochRandom the generator of an epoch's order.
 */
export function walk<T>(
  items: readonly T[],
  start: number,
  count: number,
  epochRandom: (epoch: number) => RandomGenerator,
): T[] {
  const walked: T[] = [];
  while (walked.length < count) {
    const position = start + walked.length;
    const order = shuffled(items, epochRandom(Math.floor(position / items.length)));
    const at = position % items.length;
    for (const item of order.slice(at, at + count - walked.length)) walked.push(item);
  }
  return walked;
}

/** n numbers uniform in [−bound, bound). */
export function uniform(n: number, bound: number, random: RandomGenerator): Float32Array {
  return Float32Array.from({ length: n }, () => (2 * uniformFloat32(random) - 1) * bound);
}

/** Names a stream whose numbers are had by their place: two words of 32 bits. */
export type StreamKey = readonly [number, number];

/** The key of a stream for one purpose, named as in {@link stream}. */
export function streamKey(seed: number, ...name: readonly (string | number)[]): StreamKey {
  const digest = createHash("sha256")
    .update(JSON.stringify([seed, ...name]))
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
}

/**
 * n factors of inverted dropout: 0 with probability p, 1/(1−p) otherwise. Each follows from the key and its own place, so that any part of
 * them can be had alone, and by other processors: element i is dropped where mix(mix(i + k₀) ⊕ k₁) < ⌊p·2³²⌋, in whole numbers of 32 bits.
 * The PyTorch worker computes the same (`worker/dropout.py`).
 */
export function dropoutMask(n: number, p: number, [first, second]: StreamKey): Float32Array {
  const kept = 1 / (1 - p);
  const below = Math.floor(p * 2 ** 32);
  const mask = new Float32Array(n);
  for (let i = 0; i < n; i++) mask[i] = mixed(mixed((i + first) >>> 0) ^ second) < below ? 0 : kept;
  return mask;
}

/** A bijection of 32-bit numbers whose every output bit depends on every input bit (Wellons' lowbias32). */
function mixed(x: number): number {
  let y = x ^ (x >>> 16);
  y = Math.imul(y, 0x7feb352d);
  y ^= y >>> 15;
  y = Math.imul(y, 0x846ca68b);
  return (y ^ (y >>> 16)) >>> 0;
}

/** n numbers of the standard normal distribution (Box–Muller). */
export function normal(n: number, random: RandomGenerator): Float64Array {
  const numbers = new Float64Array(n);
  for (let i = 0; i < n; i += 2) {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat32(random)));
    const angle = 2 * Math.PI * uniformFloat32(random);
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < n) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}
