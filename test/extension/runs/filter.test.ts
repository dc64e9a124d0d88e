import { expect, test } from "vitest";
import { type Filterable, passesFilter, tagsOf } from "../../../src/extension/runs/filter.ts";

const run: Filterable = {
  label: "Layer twelve",
  name: "dcr",
  folder: { path: "/work/runs/dcr-3" },
  state: "finished",
  manifest: null,
  remarks: { name: "Layer twelve", tags: ["Baseline", "seed-3"], notes: "Retention was off." },
};

test.each([
  ["", true],
  ["layer", true],
  ["DCR-3 retention", true],
  ["dcr finished run", true],
  ["layer retention on-purpose", false],
  ["#base", true],
  ["#line", false],
  ["baseline", true],
  ["#seed-3 twelve", true],
  ["#seed-3 #other", false],
  ["running", false],
])("the filter %o shows the run: %o", (filter, shown) => {
  expect(passesFilter(run, filter)).toBe(shown);
});

test("a run without remarks is found by its name and has no tags", () => {
  const { remarks: _, ...plain } = run;
  expect(passesFilter(plain, "dcr-3")).toBe(true);
  expect(passesFilter(plain, "#base")).toBe(false);
  expect(tagsOf([{}, run, { remarks: { tags: ["a"] } }])).toEqual(["a", "Baseline", "seed-3"]);
});
