import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { heirOf, moveLabelLog } from "../../src/dataset/labelMove.ts";
import { labelLogPath, readLabels } from "../../src/dataset/labels.ts";
import { tempFolder } from "../tempFolder.ts";

const line = (id: string, by: string, label = "toxic") =>
  JSON.stringify({ id, label, by, at: "2026-01-01T00:00:00Z" });

describe("moving a label log", () => {
  test("renames it, byte for byte, also into another folder", async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "sub"));
    const [from, to] = [join(folder, "a.csv"), join(folder, "sub/b.csv")];
    const content = `${line("1", "Ada")}\nhalf a li`;
    writeFileSync(labelLogPath(from), content);
    expect(await moveLabelLog(from, to)).toBe(true);
    expect(existsSync(labelLogPath(from))).toBe(false);
    expect(readFileSync(labelLogPath(to), "utf8")).toBe(content);
  });

  test("appends to a log that is there, each line once, and loses no broken one", async () => {
    const folder = tempFolder();
    const [from, to] = [join(folder, "a.csv"), join(folder, "b.csv")];
    writeFileSync(labelLogPath(from), `${line("1", "Ada")}\n${line("2", "Ada")}\n{broken`);
    writeFileSync(labelLogPath(to), `${line("1", "Ada")}\n${line("3", "Ben")}`);
    expect(await moveLabelLog(from, to)).toBe(true);
    expect(existsSync(labelLogPath(from))).toBe(false);
    expect(readFileSync(labelLogPath(to), "utf8")).toBe(
      `${line("1", "Ada")}\n${line("3", "Ben")}\n${line("2", "Ada")}\n{broken\n`,
    );
    const { decisions, problems } = await readLabels(labelLogPath(to));
    expect([decisions.map(({ id }) => id), problems.length]).toEqual([["1", "3", "2"], 1]);
  });

  test("does nothing where there is no log, and keeps one that cannot be moved", async () => {
    const folder = tempFolder();
    const from = join(folder, "a.csv");
    expect(await moveLabelLog(from, join(folder, "b.csv"))).toBe(false);
    writeFileSync(labelLogPath(from), line("1", "Ada"));
    await expect(moveLabelLog(from, join(folder, "nowhere/b.csv"))).rejects.toMatchObject({
      code: "labels-unwritable",
    });
    expect(existsSync(labelLogPath(from))).toBe(true);
    writeFileSync(labelLogPath(join(folder, "c.csv")), Buffer.from([0xff, 0x0a]));
    await expect(moveLabelLog(join(folder, "c.csv"), from)).rejects.toThrow(/not UTF-8/);
    expect(existsSync(labelLogPath(join(folder, "c.csv")))).toBe(true);
  });
});

test("a log without a file belongs to the one file that holds all its prompts", () => {
  const file = (...ids: string[]) => ({ records: ids.map((id) => ({ id })) });
  const [both, one] = [file("a", "b", "c"), file("a", "x", "y")];
  expect(heirOf(new Set(["a", "b"]), [one, both])).toBe(both);
  expect(heirOf(new Set(["a"]), [one, both])).toBeUndefined();
  expect(heirOf(new Set(["z"]), [one, both])).toBeUndefined();
  expect(heirOf(new Set(), [one])).toBeUndefined();
});
