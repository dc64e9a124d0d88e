import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Numbers that differ from run to run and can be had again: a failing test prints its seed. */
export class Random {
  readonly seed: number;
  private readonly generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed = Number(process.env.DISCERN_TEST_SEED ?? Date.now() % 2 ** 31)) {
    this.seed = seed;
    this.generator = xoroshiro128plus(seed);
  }

  /** Between low and high, and exact in float32, so that float64 and float32 begin alike. */
  between(low: number, high: number): number {
    return Math.fround(low + (high - low) * uniformFloat64(this.generator));
  }

  /** An integer, 0 ≤ i < end. */
  below(end: number): number {
    return uniformInt(this.generator, 0, end - 1);
  }

  /** 0 … n−1 in any order. */
  order(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}
