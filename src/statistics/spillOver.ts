/**
 * Spill-over slope (METHODS §I): regression through the origin of the other group's changes on the toxic group's,
 * β = Σ xy / Σ x². 0 is decoupled, 1 is full co-movement; NaN where the toxic group does not change.
 *
 * @param x changes of the toxic group (n)
 * @param y changes of the other group (n)
 */
export function spillOver(x: readonly number[], y: readonly number[]): number {
  let products = 0;
  let squares = 0;
  for (const [i, value] of x.entries()) {
    products += value * y[i]!;
    squares += value * value;
  }
  return products / squares;
}

/** The spill-over slope over the probes so far, taken on as each one comes. */
export class RunningSpillOver {
  private last: { toxic: number; other: number } | null = null;
  private products = 0;
  private squares = 0;

  /** @returns the slope from the first probe to this one; NaN until the toxic group has changed. */
  take(toxic: number, other: number): number {
    if (this.last) {
      const change = toxic - this.last.toxic;
      this.products += change * (other - this.last.other);
      this.squares += change * change;
    }
    this.last = { toxic, other };
    return this.products / this.squares;
  }
}
