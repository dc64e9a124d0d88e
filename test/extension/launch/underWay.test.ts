import { expect, it } from "vitest";
import { UnderWay } from "../../../src/extension/launch/underWay.ts";

it("does the same once at a time, also after one that failed", async () => {
  const underWay = new UnderWay();
  const done: string[] = [];
  const { promise: checked, reject } = Promise.withResolvers<void>();
  const first = underWay.once("a", async () => {
    done.push("a");
    await checked;
  });
  await underWay.once("a", async () => void done.push("a again"));
  await underWay.once("b", async () => void done.push("b"));
  reject(new Error("The model cannot be read."));
  await expect(first).rejects.toThrow("cannot be read");
  await underWay.once("a", async () => void done.push("a later"));
  expect(done).toEqual(["a", "b", "a later"]);
});
