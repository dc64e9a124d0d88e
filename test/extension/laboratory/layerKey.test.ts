import { describe, expect, it, test } from "vitest";
import {
  layerItems,
  layerPlaces,
  movedLayer,
  withLayer,
} from "../../../src/extension/laboratory/layerKey.ts";
import { transferPrompts } from "../../../src/extension/laboratory/transferPrompts.ts";
import type { SeparabilityFigures } from "../../../src/protocol/probe/separability.ts";

const text = JSON.stringify(
  {
    name: "dcr",
    stages: [
      { type: "contrastive", steps: 3, layer: 2 },
      { type: "supervised", contrast: { weight: 1 } },
      { type: "supervised" },
    ],
  },
  null,
  2,
);

test("every contrast of a recipe has a place for its layer, written or not", () => {
  const places = layerPlaces(text);
  expect(places.map(({ path }) => path)).toEqual([
    ["stages", 0, "layer"],
    ["stages", 1, "contrast", "layer"],
  ]);
  expect(text.slice(places[0]!.offset)).toMatch(/^"layer": 2/);
  expect(text.slice(places[1]!.offset)).toMatch(/^\{\s+"weight": 1/);
  expect(layerPlaces("")).toEqual([]);
  expect(layerPlaces('{"stages": [3, {"type": "contrastive"')).toHaveLength(1);
});

test("a layer is written where it stands, or beside the other keys", () => {
  const [first, second] = layerPlaces(text);
  const changed = JSON.parse(withLayer(withLayer(text, first!.path, "auto"), second!.path, 7));
  expect(changed.stages).toEqual([
    { type: "contrastive", steps: 3, layer: "auto" },
    { type: "supervised", contrast: { weight: 1, layer: 7 } },
    { type: "supervised" },
  ]);
});

/** Four layers, of which 2 and 3 are as good as each other and 4 may not be proposed. */
const figures = {
  proposal: { layer: 2, plateau: [2, 3], highest: 3, nested: 2, reason: "Layer 2 is the first of the best." },
  states: [
    {
      choice: {
        layer: 2,
        heldOut: "category",
        groups: 5,
        folds: 5,
        curve: [0.6, 0.9, 0.91, 0.92].map((auroc, i) => ({
          layer: i + 1,
          auroc,
          standardError: 0.02,
          pairAccuracy: null,
          shuffled: { mean: 0.5, highest: 0.58 },
        })),
        controls: {
          draws: 20,
          shuffledBest: 0.6,
          surface: { auroc: 0.95, standardError: 0.01 },
          source: null,
        },
      },
      curve: [2, 3].map((layer) => ({
        layer,
        measures: { transfer: layer === 2 ? { value: 0.88, lower: 0.71, upper: 0.97 } : null },
      })),
    },
  ],
} as unknown as SeparabilityFigures;

test("layers are offered with what was measured, the proposed one first, with its reason and its caveats", () => {
  const items = layerItems(figures, 3);
  expect(items.map(({ label }) => label)).toEqual(["Layer 2", "$(check) Layer 3", "Layer 1", "auto"]);
  expect(items[0]!.description).toBe(
    "AUROC 0.90 ± 0.02, shuffled labels 0.50 (highest 0.58) · transfer 0.88 [0.71, 0.97] · proposed",
  );
  expect(items[1]!.description).not.toContain("transfer");
  expect(items[1]!.description).toMatch(/ · as good within one standard error$/);
  expect(items[0]!.detail).toMatch(/^Layer 2 is the first of the best\. .*Character n-grams/);
  expect(items.map(({ layer }) => layer)).toEqual([2, 3, 1, "auto"]);
});

test("probes are carried over to monitored prompts of files that the contrast does not read", () => {
  const seed = 0;
  const contrast = [{ file: "pairs.csv", split: "train", seed }];
  const own = { file: "pairs.csv", split: "panel", labels: ["toxic" as const], seed };
  const toxic = { file: "other.csv", labels: ["toxic" as const], seed };
  const seeminglyToxic = { file: "safe.csv", label: "seemingly_toxic" as const, seed };
  const panels = { toxic: [own, toxic], seeminglyToxic, general: { file: "general.jsonl", seed } };
  expect(transferPrompts({ contrast, panels })).toEqual([toxic, seeminglyToxic]);
  const unsaid = { file: "unlabelled.csv", seed };
  expect(transferPrompts({ contrast, panels: { ...panels, toxic: unsaid } })).toEqual([seeminglyToxic]);
});

describe("a layer that was measured while its recipe was edited", () => {
  const recipe = (...stages: object[]) => JSON.stringify({ stages }, null, 2);
  const contrast = { type: "contrastive", layer: 2, steps: 10 };
  const safety = { type: "supervised", steps: 5 };
  const before = recipe(contrast, safety);
  const path = ["stages", 0, "layer"] as const;

  it("goes to its contrast, wherever that stands now", () => {
    expect(movedLayer(before, path, before)).toEqual(path);
    expect(movedLayer(before, path, recipe(safety, contrast))).toEqual(["stages", 1, "layer"]);
    const other = { ...contrast, steps: 99 };
    expect(movedLayer(before, path, recipe(other, contrast, safety))).toEqual(["stages", 1, "layer"]);
    // Its own steps or its layer were changed.
    expect(movedLayer(before, path, recipe({ ...contrast, layer: 5, steps: 20 }, safety))).toEqual(path);
  });

  it("goes nowhere where its contrast is gone, or cannot be told from another", () => {
    expect(movedLayer(before, path, recipe(safety))).toBeNull();
    expect(movedLayer(before, path, recipe({ ...contrast, steps: 1 }, { ...contrast, steps: 2 }))).toBeNull();
    expect(movedLayer(before, path, recipe({ ...contrast, steps: 1 }, contrast, contrast))).toBeNull();
  });
});
