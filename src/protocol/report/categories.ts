import type { MeasureRow } from "./measures.ts";

/** A measure on one category of a suite, method by method. */
export interface CategoryRow {
  readonly suite: string;
  readonly category: string;
  /** Whose prompts of the other side it is measured against, where that is not the suite itself. */
  readonly against: Exclude<MeasureRow["against"], "itself">;
  /** Prompts of the category, those without a verdict included; null where it is not the same for every method. */
  readonly n: number | null;
  /** The rows of each method of the table, one a seed; none where it was not measured. */
  readonly methods: readonly (readonly MeasureRow[])[];
}

/** One measure of one group of prompts under one judge, by category: what every surface shows of categories. */
export interface CategoryTable {
  /** Ids of the methods that were measured by category, in the order that was asked for. */
  readonly methods: readonly string[];
  /** In the order of the rows. */
  readonly rows: readonly CategoryRow[];
}

/**
 * The rows of a measure that are of single categories, as a table.
 *
 * @param rows of one measure, group and judge; those over a whole suite, and over seeds, are left out.
 * @param methods ids of the methods that may be columns, in their order.
 */
export function categoryTable(rows: readonly MeasureRow[], methods: readonly string[]): CategoryTable {
  const own = rows.filter(({ category, seed }) => category !== undefined && seed !== null);
  const asked = methods.filter((id) => own.some(({ method }) => method === id));
  const places = Map.groupBy(own, ({ suite, category, against }) =>
    JSON.stringify([suite, category, against]),
  );
  return {
    methods: asked,
    rows: [...places.values()].map((found): CategoryRow => {
      const { suite, category, against } = found[0]!;
      const sizes = new Set(found.map(sizeOf));
      const [n = null] = sizes.size === 1 ? sizes : [];
      return {
        ...{ suite, category: category!, n },
        against: against === "itself" ? undefined : against,
        methods: asked.map((id) => found.filter(({ method }) => method === id)),
      };
    }),
  };
}

/** Prompts that a row is of, those without a verdict included; null where it is not known. */
export function sizeOf({ n, undetermined = 0 }: Pick<MeasureRow, "n" | "undetermined">): number | null {
  return n === null ? null : n + undetermined;
}
