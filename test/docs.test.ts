import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { reduced, withRooms } from "../scripts/rooms.ts";
import { withTables } from "../scripts/tables.ts";
import { families } from "../src/engine/model/families.ts";

const root = join(import.meta.dirname, "..");

test("the tables of docs/formats.md are those of the schemas", async () => {
  const text = await readFile(join(root, "docs/formats.md"), "utf8");
  expect(text, "run `npm run docs`").toBe(withTables(text));
  expect(text.match(/^\| `learningRate` /gm)).toHaveLength(1);
});

test("the table of docs/judges.md is that of the answers judged by hand", async () => {
  const text = await readFile(join(root, "docs/judges.md"), "utf8");
  expect(text, "run `npm run docs`").toBe(withTables(text));
});

test("the drawing of the rooms in ARCHITECTURE.md is that of the imports", async () => {
  const text = await readFile(join(root, "ARCHITECTURE.md"), "utf8");
  expect(text, "run `npm run docs`").toBe(withRooms(text));
});

test("a drawing leaves out what follows from longer ways, and refuses circles", () => {
  const imports = (rooms: Record<string, string[]>) =>
    new Map(Object.entries(rooms).map(([room, others]) => [room, new Set(others)]));
  expect(reduced(imports({ a: ["b", "c", "d"], b: ["c"], c: [], d: [] }))).toEqual([
    ["a", "b"],
    ["a", "d"],
    ["b", "c"],
  ]);
  expect(() => reduced(imports({ a: ["b"], b: ["a"] }))).toThrow("a → b → a");
});

test("every relative link of a document leads somewhere", async () => {
  const broken: string[] = [];
  for await (const file of glob(["*.md", "docs/*.md", "datasets/**/*.md"], { cwd: root })) {
    const text = await readFile(join(root, file), "utf8");
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      if (!existsSync(join(root, dirname(file), target!))) broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test("the README names every family of models that can be loaded", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const [line] = /^Models: .*$/m.exec(readme) ?? [""];
  expect(Object.keys(families).filter((name) => !new RegExp(`\\b${name}\\b`).test(line))).toEqual([]);
});

test("the README names every command and every script that it speaks of exists", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const cli = await readFile(join(root, "src/engine/cli.ts"), "utf8");
  const commands = [...cli.matchAll(/^ {2}add(\w+),$/gm)].map(([, name]) => name!.toLowerCase());
  expect(commands).toContain("run");
  // One is for Discern itself.
  const shown = commands.filter((name) => name !== "runcell");
  expect(shown.filter((name) => !readme.includes(`| \`${name}`))).toEqual([]);

  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  for (const file of [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "docs/guide.md",
    "docs/formats.md",
  ]) {
    const text = await readFile(join(root, file), "utf8");
    for (const [, name] of text.matchAll(/npm run (?:-s )?([\w:-]+)/g))
      expect(scripts, file).toHaveProperty([name!]);
  }
});

test("the workflows run scripts that exist, and release for every platform that can be packaged", async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const workflow = (name: string) => readFile(join(root, ".github/workflows", name), "utf8");
  const [tested, released] = await Promise.all([workflow("test.yml"), workflow("release.yml")]);
  const used = [...`${tested}${released}`.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name!);
  expect(used.length).toBeGreaterThan(2);
  for (const name of used) expect(scripts).toHaveProperty([name]);
  const [, targets] = /for target in (.+); do/.exec(released) ?? [];
  const packaged = await readFile(join(root, "scripts/package.ts"), "utf8");
  const [, known] = /const targets = \[(.+)\];/.exec(packaged) ?? [];
  expect(targets?.split(" ")).toEqual(JSON.parse(`[${known}]`));
});
