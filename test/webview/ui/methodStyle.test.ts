import { expect, test } from "vitest";
import { methodStyles, styleCount } from "../../../src/webview/ui/methodStyle.ts";

test("a method has one style wherever it is shown, whatever stands beside it", () => {
  expect(methodStyles(["untrained", "STL", "DCR → STL"])).toEqual([0, 1, 2]);
  expect(methodStyles(["DCR → STL", "STL"])).toEqual([2, 1]);
  const [scans] = methodStyles(["SCANS"]);
  expect(methodStyles(["untrained", "STL", "SCANS", "DCR → STL"])[2]).toBe(scans);
  expect(methodStyles(["STL (error)"])).toEqual([1]);
});

test("methods of one list differ in style, and the same name has the same one", () => {
  const names = ["untrained", "STL", "DCR → STL", ...Array.from({ length: 8 }, (_, i) => `method ${i}`)];
  const styles = methodStyles(names);
  expect(new Set(styles).size).toBe(names.length);
  // Those whose colours repeat are drawn dashed.
  expect(styles.filter((style) => style >= styleCount)).toHaveLength(names.length - styleCount);
  expect(methodStyles(["a", "a"])[0]).toBe(methodStyles(["a"])[0]);
});
