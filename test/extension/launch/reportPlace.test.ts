import { describe, expect, test } from "vitest";
import { reportPlace } from "../../../src/extension/launch/reportPlace.ts";
import { StartedRuns } from "../../../src/extension/runs/startedRuns.ts";
import { groups } from "../page/groups.ts";

describe("where the report of a run opens that has ended", () => {
  test.each([
    ["in the dashboard's place, beside what is worked at", ["*recipe", "dashboard notes"], 2, true],
    ["the same with the dashboard first", ["dashboard", "*recipe"], 1, true],
    ["in an empty editor", ["*"], 1, true],
    ["in the background, where the dashboard is what is worked at", ["*dashboard recipe"], 1, false],
    ["behind what lies before the dashboard", ["*recipe", "notes dashboard"], 2, false],
    ["behind the only editor; no group is added", ["*prompts"], 1, false],
    ["behind what is worked at, not over a panel beside it", ["*prompts", "labelling"], 1, false],
  ])("%s", (_, shown, viewColumn, isShown) => {
    expect(reportPlace(groups(...shown), false)).toEqual({ viewColumn, isShown });
  });

  test("behind a dashboard while other runs are at work", () => {
    expect(reportPlace(groups("*recipe", "dashboard"), true)).toEqual({ viewColumn: 2, isShown: false });
    expect(reportPlace(groups("*"), true)).toEqual({ viewColumn: 1, isShown: true });
  });
});

test("runs that were started here are known until they end, after a reload, too", () => {
  const kept = new Map<string, unknown>();
  const memory = {
    get: (key: string) => kept.get(key) as never,
    update: async (key: string, value: unknown) => void kept.set(key, value),
  };
  new StartedRuns(memory).add("/runs/a");
  new StartedRuns(memory).add("/runs/b");
  const reloaded = new StartedRuns(memory);
  expect([reloaded.end("/runs/c"), reloaded.end("/runs/a"), reloaded.end("/runs/a")]).toEqual([
    false,
    true,
    false,
  ]);
  for (let i = 0; i < 60; i++) reloaded.add(`/runs/${i}`);
  expect([reloaded.end("/runs/b"), reloaded.end("/runs/59")]).toEqual([false, true]);
  kept.set("discern.runs.startedHere", "damaged");
  expect(reloaded.end("/runs/58")).toBe(false);
});
