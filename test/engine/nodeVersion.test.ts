import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { nodeTooOld, oldestNode } from "../../src/engine/nodeVersion.ts";

test("a Node.js that is too old is refused by name, with what to do", () => {
  expect(nodeTooOld("20.20.2")).toMatch(
    /^Discern needs Node\.js 22\.15 or newer; this is 20\.20\.2 .*npx node/,
  );
  expect(nodeTooOld("22.9.1")).not.toBeNull();
  for (const version of ["22.15.0", "22.22.1", "24.1.0", "100.0.0"]) expect(nodeTooOld(version)).toBeNull();
});

test("the oldest Node.js is that of package.json", async () => {
  const { engines } = JSON.parse(await readFile("package.json", "utf8"));
  expect(engines.node).toBe(`>=${oldestNode}`);
});
