import { describe, expect, test } from "vitest";
import {
  type ArmState,
  type Comparison,
  comparisonSchema,
  newComparison,
  nextMove,
} from "../../../src/extension/launch/comparison.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";

const recipe = recipeSchema.parse({
  name: "dcr",
  model: "m",
  seed: 7,
  stages: [{ type: "contrastive" }, { type: "supervised", steps: 5 }],
});
const fresh = newComparison("1", "/w/dcr.discern.json", recipe);
const begun = (first: string | null, second: string | null, goOn = false): Comparison => ({
  ...fresh,
  arms: [
    { stlAlone: true, folder: first },
    { stlAlone: false, folder: second },
  ],
  goOn,
});
const move = (comparison: Comparison, states: Record<string, ArmState>, busy = false) =>
  nextMove(comparison, (folder) => states[folder]!, busy);

describe("a comparison", () => {
  test("keeps every key of the recipe as it was, and survives being stored", () => {
    expect(fresh.set).toContain("seed=7");
    expect(fresh.set.map((change) => change.split("=")[0])).toEqual(Object.keys(recipe));
    const stages = fresh.set.find((change) => change.startsWith("stages="))!;
    expect(JSON.parse(stages.slice("stages=".length))).toEqual(recipe.stages);
    expect(comparisonSchema.parse(JSON.parse(JSON.stringify(fresh)))).toEqual(fresh);
  });

  test("runs safety tuning alone first, and contrast before it once that has finished", () => {
    expect(fresh.arms.map(({ stlAlone }) => stlAlone)).toEqual([true, false]);
    expect(move(fresh, {})).toEqual({ kind: "start", arm: 0 });
    expect(move(begun("/a", null), { "/a": "starting" })).toEqual({ kind: "wait" });
    expect(move(begun("/a", null), { "/a": "running" })).toEqual({ kind: "wait" });
    expect(move(begun("/a", null), { "/a": "finished" })).toEqual({ kind: "start", arm: 1 });
    expect(move(begun("/a", "/b"), { "/a": "finished", "/b": "running" })).toEqual({ kind: "wait" });
    expect(move(begun("/a", "/b"), { "/a": "finished", "/b": "finished" })).toEqual({ kind: "compare" });
  });

  test("waits while another run is active", () => {
    expect(move(fresh, {}, true)).toEqual({ kind: "wait" });
    expect(move(begun("/a", null), { "/a": "finished" }, true)).toEqual({ kind: "wait" });
  });

  test("starts a run again whose folder was made and that the window did not live to start", () => {
    expect(move(begun("/a", null), { "/a": "unstarted" })).toEqual({ kind: "start", arm: 0 });
    expect(move(begun("/a", "/b"), { "/a": "finished", "/b": "unstarted" })).toEqual({
      kind: "start",
      arm: 1,
    });
  });

  test.each(["stopped", "failed", "interrupted", "damaged"] as const)(
    "asks about the second when the first was %s, and does as told",
    (state) => {
      expect(move(begun("/a", null), { "/a": state })).toEqual({ kind: "ask" });
      expect(move(begun("/a", null, true), { "/a": state })).toEqual({ kind: "start", arm: 1 });
      // What can be resumed may still finish.
      expect(move(begun("/a", "/b", true), { "/a": state, "/b": "finished" })).toEqual({ kind: "wait" });
      expect(move(begun("/a", "/b"), { "/a": "finished", "/b": state })).toEqual({ kind: "wait" });
    },
  );

  test("is over when one of its runs was deleted", () => {
    expect(move(begun("/a", null), { "/a": "gone" })).toEqual({ kind: "drop" });
    expect(move(begun("/a", "/b"), { "/a": "finished", "/b": "gone" })).toEqual({ kind: "drop" });
  });
});
