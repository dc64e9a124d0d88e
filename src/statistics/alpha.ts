/**
 * Krippendorff's alpha for nominal values: 1 − observed over expected disagreement, over any number of judges, where not every
 * judge has to value every unit (Krippendorff 2004, Content Analysis, ch. 11; by coincidences within units).
 *
 * @param units what the judges said of each unit; undefined where one said nothing. Units with fewer than two values do not count.
 * @returns a function of how often each unit counts (units), for resampling; null where all values are the same, or none count.
 */
export function weightedAlpha<T>(
  units: readonly (readonly (T | undefined)[])[],
): (counts: ArrayLike<number>) => number | null {
  const values = [...new Set(units.flat().filter((value) => value !== undefined))];
  const place = new Map(values.map((value, i) => [value, i]));
  const counted = units.map((unit) => {
    const counts = new Array<number>(values.length).fill(0);
    for (const value of unit) if (value !== undefined) counts[place.get(value)!]!++;
    const total = counts.reduce((sum, count) => sum + count, 0);
    // Ordered pairs of different values within the unit, each unit weighing as many values as it has.
    const differing =
      total < 2 ? 0 : counts.reduce((sum, count) => sum + count * (total - count), 0) / (total - 1);
    return { counts: total < 2 ? counts.fill(0) : counts, differing };
  });
  return (times) => {
    const totals = new Array<number>(values.length).fill(0);
    let observed = 0;
    for (const [i, { counts, differing }] of counted.entries()) {
      observed += times[i]! * differing;
      for (const [k, count] of counts.entries()) totals[k]! += times[i]! * count;
    }
    const n = totals.reduce((sum, total) => sum + total, 0);
    const expected = totals.reduce((sum, total) => sum + total * (n - total), 0) / (n - 1);
    return n > 1 && expected > 0 ? 1 - observed / expected : null;
  };
}
