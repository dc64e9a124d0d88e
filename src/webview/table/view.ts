import type { SortKey, TableFile, TableMethod, TableView } from "../../protocol/webview/table.ts";

/** The whole file in its order. */
export const wholeFile: TableView = {
  ...{ sort: null, text: "", label: "all", category: null, split: null, verdict: "all", pairs: false },
};

/** The order after a column's head was pressed: up, down, and back to the file's order. */
export function nextSort({ sort }: TableView, by: SortKey): TableView["sort"] {
  // Of probabilities the highest are looked for first.
  const first = by.startsWith("probability");
  if (sort?.by !== by) return { by, down: first };
  return sort.down === first ? { by, down: !first } : null;
}

/** A view without what the file does not have: one that was kept may name it. */
export function viewOfFile(view: TableView, file: TableFile): TableView {
  const { category, split, pairs } = view;
  return {
    ...view,
    category: category !== null && file.categories.includes(category) ? category : null,
    split: split !== null && file.splits.includes(split) ? split : null,
    pairs: pairs && file.paired,
  };
}

/** A view without what the methods that are shown do not tell. */
export function viewOfMethods(view: TableView, methods: readonly TableMethod[]): TableView {
  const { sort, verdict } = view;
  const gone = sort?.by.endsWith("0") ? methods.length < 1 : sort?.by.endsWith("1") && methods.length < 2;
  const isUntold = methods.length === 0 || (verdict === "methods" && methods.length < 2);
  return { ...view, sort: gone ? null : sort, verdict: isUntold ? "all" : verdict };
}

/** Whether a view lists by labels, or by what follows from them. */
export function followsLabels({ label, verdict, sort }: TableView): boolean {
  return (
    label !== "all" ||
    sort?.by === "label" ||
    ["disagrees", "over-refused", "under-refused"].includes(verdict)
  );
}

/** Whether a view lists by verdicts or probabilities. */
export function followsVerdicts({ verdict, sort }: TableView): boolean {
  return verdict !== "all" || /\d$/.test(sort?.by ?? "");
}
