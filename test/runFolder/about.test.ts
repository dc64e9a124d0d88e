import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changeAbout, readRemarks } from "../../src/runFolder/about.ts";
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
