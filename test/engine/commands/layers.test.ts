import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { layersWords } from "../../../src/engine/commands/layers.ts";
import { separabilityContract } from "../../../src/protocol/probe/separability.ts";
import { exampleSeparability } from "../../webview/laboratory/layerResults.ts";

it("draws the curve with ℓ below it, gives the reason, and sets every measure beside its nulls", () => {
  const figures = separabilityContract.figures.parse(exampleSeparability().figures);
  const text = stripVTControlCharacters(layersWords(figures, 80));
  const lines = text.split("\n");
  // Four characters a layer: the mark stands where layer 3 begins, behind the axis.
  const marked = lines.find((line) => line.includes("▲"))!;
  expect(marked.indexOf("▲") - lines[0]!.indexOf("┤")).toBe(2 * 4);
  expect(marked).toContain("ℓ = 3");
  expect(text).toContain("ℓ = 3 of 4: because it is.");
  expect(text).toContain("Carried over to 12 prompts of xstest.");
  expect(text).toContain("preset:sweep-layer");
  expect(lines.find((line) => line.startsWith("Fisher ratio"))!.split(/ {2,}/)).toEqual([
    ...["Fisher ratio", "0.70 [0.65, 0.75]", "0.48 (0.57)", "0.11", "0.31 [0.26, 0.36]"],
  ]);
  expect(lines.some((line) => line.startsWith("Linear probe, unseen source"))).toBe(false);
  // A narrow terminal has a character a layer.
  const narrow = layersWords(figures, 14)
    .split("\n")
    .find((line) => line.includes("▲"))!;
  expect(narrow.indexOf("▲")).toBeLessThan(marked.indexOf("▲"));
});
