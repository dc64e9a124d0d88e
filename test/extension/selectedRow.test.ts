import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { selectedRow } from "../../src/extension/selectedRow.ts";

it("is the row that was clicked", async () => {
  expect(await selectedRow({ selection: ["one"] })).toBe("one");
});

it("is waited for while the view has no names for its rows", async () => {
  const view = { selection: [] as string[] };
  const row = selectedRow(view);
  // As long as a remote editor takes to ask for rows that have changed.
  await sleep(300);
  view.selection = ["one"];
  expect(await row).toBe("one");
});

it("is none where several are selected", async () => {
  expect(await selectedRow({ selection: ["one", "two"] })).toBeUndefined();
});
