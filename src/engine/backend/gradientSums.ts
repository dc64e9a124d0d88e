import type { GradientProductOptions, GradientSum } from "./backend.ts";
import type { GradientText } from "./gradientTexts.ts";

/** Adds products (scalars of b, scalars of a) of two texts, from a place on. */
export type AddProducts = (
  a: GradientText,
  b: GradientText,
  products: ArrayLike<number>,
  offset?: number,
) => void;

/** The rows of the left side, or of the right side, that stand at each place of a tile. */
export type TileRows = readonly (readonly number[])[];

/** The sums of gradient products that were asked for, as batches and tiles of them come in: the same for every backend. */
export class GradientSums {
  private readonly sums = new Map<string, GradientSum>();
  private readonly columns: number;
  private readonly size: number;
  private readonly wanted: GradientProductOptions["sums"];

  constructor(rows: number, columns: number, wanted: GradientProductOptions["sums"]) {
    this.columns = columns;
    this.size = rows * columns;
    this.wanted = wanted;
  }

  /** What adds the products of a part of a layer: those of a with b, and of b with a where they are not the same text. */
  of(layer: GradientSum["layer"], part: string): AddProducts {
    const targets = this.targets(layer, part);
    return (a, b, products, offset = 0) => {
      const k = a.scalars.length;
      for (let j = 0; j < b.scalars.length; j++) {
        for (let i = 0; i < k; i++) {
          const value = products[offset + j * k + i]!;
          for (const target of targets) {
            this.place(target, a.left[i]!, b.right[j]!, value);
            if (a !== b) this.place(target, b.left[j]!, a.right[i]!, value);
          }
        }
      }
    };
  }

  /**
   * Adds the products (left, right) of a tile.
   *
   * @param mirrored whether they are also those of its right rows with its left ones.
   */
  add(
    { layer, part }: Pick<GradientSum, "layer" | "part">,
    products: ArrayLike<number>,
    { left, right, mirrored }: { left: TileRows; right: TileRows; mirrored: boolean },
  ): void {
    const targets = this.targets(layer, part);
    for (const [i, rows] of left.entries()) {
      for (const [j, columns] of right.entries()) {
        const value = products[i * right.length + j]!;
        for (const target of targets) {
          this.place(target, rows, columns, value);
          if (mirrored) this.place(target, columns, rows, value);
        }
      }
    }
  }

  all(): GradientSum[] {
    return [...this.sums.values()];
  }

  private targets(layer: GradientSum["layer"], part: string): Float64Array[] {
    return this.wanted === "margins"
      ? [this.sum(layer, "all"), this.sum("all", part)]
      : [this.sum(layer, part)];
  }

  private place(
    target: Float64Array,
    left: readonly number[],
    right: readonly number[],
    value: number,
  ): void {
    for (const i of left) for (const j of right) target[i * this.columns + j]! += value;
  }

  private sum(layer: GradientSum["layer"], part: string): Float64Array {
    const key = `${layer} ${part}`;
    const known = this.sums.get(key) ?? { layer, part, products: new Float64Array(this.size) };
    this.sums.set(key, known);
    return known.products;
  }
}
