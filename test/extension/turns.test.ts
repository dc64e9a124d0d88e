import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Turns } from "../../src/extension/turns.ts";

it("does one thing after another, also behind one that fails", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const slow = turns.take(async () => {
    await sleep(50);
    done.push("label");
    throw new Error("cannot be written");
  });
  const fast = turns.take(async () => done.push("undo"));
  await expect(slow).rejects.toThrow("cannot be written");
  await fast;
  expect(done).toEqual(["label", "undo"]);
});
