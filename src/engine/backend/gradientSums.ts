import type { GradientProductOptions, GradientProducts, GradientSum } from "./backend.ts";

/** Where a tile's rows stand among all, on each side. */
export interface TileRows {
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** The sums of products of gradients, as tiles of them come in, by layer and part or by each of the two: the same for every backend. */
export class GradientSums {
  private readonly counts: readonly [number, number];
  private readonly by: NonNullable<GradientProductOptions["sums"]>;
  private readonly found = new Map<string, GradientSum>();

  constructor(left: number, right: number, by: NonNullable<GradientProductOptions["sums"]>) {
    this.counts = [left, right];
    this.by = by;
  }

  /**
   * Adds the products of a tile (its left rows, its right rows).
   *
   * @param mirrored whether they are also those of the tile's right rows with its left ones.
   */
  add(
    { layer, part }: Pick<GradientSum, "layer" | "part">,
    products: ArrayLike<number>,
    rows: TileRows,
    mirrored: boolean,
  ): void {
    const kinds: Pick<GradientSum, "layer" | "part">[] =
      this.by === "margins"
        ? [
            { layer, part: "all" },
            { layer: "all", part },
          ]
        : [{ layer, part }];
    const width = rows.right.length;
    for (const kind of kinds) {
      const sum = this.sum(kind);
      for (const [i, row] of rows.left.entries()) {
        for (const [j, column] of rows.right.entries()) {
          const value = products[i * width + j]!;
          sum[row * this.counts[1] + column]! += value;
          if (mirrored) sum[column * this.counts[1] + row]! += value;
        }
      }
    }
  }

  products(): GradientProducts {
    return { sums: [...this.found.values()] };
  }

  private sum({ layer, part }: Pick<GradientSum, "layer" | "part">): Float64Array {
    const key = `${layer} ${part}`;
    let found = this.found.get(key);
    if (!found) {
      found = { layer, part, products: new Float64Array(this.counts[0] * this.counts[1]) };
      this.found.set(key, found);
    }
    return found.products;
  }
}
