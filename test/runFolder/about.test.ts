import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rebuildReport } from "../../src/engine/evaluate/report.ts";
import { writeReport } from "../../src/engine/run/evaluation.ts";
import { changeAbout, readRemarks } from "../../src/runFolder/about.ts";
import { runPaths } from "../../src/runFolder/folder.ts";
import { readReport } from "../../src/runFolder/reportFile.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { tempFolder } from "../tempFolder.ts";

test("name, tags and notes are read as they were given; a folder without them has none", async () => {
  const folder = tempFolder();
  expect(await readRemarks(folder)).toBeNull();
  await changeAbout(folder, () => ({ name: "  ℓ = 12, twice  ", tags: ["seed", "baseline", "seed"] }));
  expect(await readRemarks(folder)).toEqual({ name: "ℓ = 12, twice", tags: ["baseline", "seed"] });
  writeFileSync(join(folder, "notes.md"), "\n# Why\nlayer 12 again\n");
  await changeAbout(folder, ({ tags }) => ({ tags: tags.filter((tag) => tag !== "seed") }));
  expect(await readRemarks(folder)).toEqual({
    name: "ℓ = 12, twice",
    tags: ["baseline"],
    notes: "# Why\nlayer 12 again",
  });
  await changeAbout(folder, () => ({ name: null, tags: [] }));
  expect(await readRemarks(folder)).toEqual({ tags: [], notes: "# Why\nlayer 12 again" });
});

test("a report is headed with them, as they are now, and no report on the disk has them", async () => {
  const folder = join(tempFolder(), "stl-2");
  mkdirSync(folder);
  const stored = { ...exampleReport({ seeds: 1, perKind: 1 }), about: { folder: "old", tags: [] } };
  writeFileSync(join(folder, "report.json"), JSON.stringify(stored));
  expect(await readReport(folder)).not.toHaveProperty("about");
  writeFileSync(join(folder, "about.json"), "{");
  expect(await readReport(folder)).not.toHaveProperty("about");
  writeFileSync(join(folder, "notes.md"), "layer 12 again");
  expect((await readReport(folder)).about).toEqual({ folder: "stl-2", tags: [], notes: "layer 12 again" });
  writeFileSync(join(folder, "about.json"), '{"version":1,"name":"Refined","tags":["paper"]}');
  const about = { folder: "stl-2", name: "Refined", tags: ["paper"], notes: "layer 12 again" };
  expect((await readReport(join(folder, "report.json"))).about).toEqual(about);
  const rebuilt = rebuildReport(await readReport(folder), { answers: stored.answers });
  expect(rebuilt.about).toEqual(about);
  await writeReport(rebuilt, runPaths(folder));
  expect(JSON.parse(readFileSync(join(folder, "report.json"), "utf8"))).not.toHaveProperty("about");
  expect(readFileSync(join(folder, "report.md"), "utf8")).toMatch(/^# Evaluation of Refined\n/);
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain(
    "<title>Refined · Discern report</title>",
  );
});

test("a damaged file is said to be so and never replaced; notes are read all the same", async () => {
  const folder = tempFolder();
  const path = join(folder, "about.json");
  writeFileSync(path, '{"version":1,"name":');
  writeFileSync(join(folder, "notes.md"), "kept");
  expect(await readRemarks(folder)).toEqual({
    tags: [],
    notes: "kept",
    damaged: expect.stringContaining("about.json is damaged"),
  });
  await expect(changeAbout(folder, () => ({ name: "new" }))).rejects.toMatchObject({ code: "run-invalid" });
  expect(readFileSync(path, "utf8")).toBe('{"version":1,"name":');
});

test("a tag with a blank and a folder that is gone are refused", async () => {
  const folder = join(tempFolder(), "run");
  await expect(changeAbout(folder, () => ({ tags: ["two words"] }))).rejects.toThrow("one word");
  await expect(changeAbout(folder, () => ({ tags: ["one"] }))).rejects.toThrow();
  mkdirSync(folder);
  await changeAbout(folder, () => ({ tags: ["one"] }));
  expect(await readRemarks(folder)).toEqual({ tags: ["one"] });
});
