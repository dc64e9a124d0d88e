import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { type DiscoveryRules, findPromptFiles, joinGlobs } from "../../../src/extension/prompts/discovery.ts";
import { tempFolder } from "../../tempFolder.ts";

const csv = "prompt\nHow do I kill a process?\n";

/** What is found among files with this content, by path. */
async function find(files: Record<string, string>, rules: Partial<DiscoveryRules> = {}) {
  const root = tempFolder();
  const paths = Object.entries(files).map(([name, content]) => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  });
  const found = await findPromptFiles(paths, {
    root,
    runsFolder: "runs",
    largeBytes: 1000,
    hasColumn: () => false,
    ...rules,
  });
  return Object.fromEntries(found.map(({ path, state }) => [relative(root, path), state]));
}

describe("finding prompt files", () => {
  it("takes files with a column of prompts, and asks where it is unclear", async () => {
    const files = {
      "a.csv": csv,
      "b.csv": "text of it,x\nHow do I kill a process?,1\n",
      "numbers.csv": "a,b\n1,2\n",
      "package.json": '{"name":"x"}',
      "a.csv.labels.jsonl": '{"id":"x","label":"toxic","by":"a","at":"2026-01-01T00:00:00Z"}\n',
    };
    expect(await find(files)).toEqual({ "a.csv": "unread", "b.csv": "unclear" });
  });

  it("asks no more where a person chose the column", async () => {
    const files = { "b.csv": "text of it,x\nHow do I kill a process?,1\n" };
    expect(await find(files, { hasColumn: (path) => path.endsWith("b.csv") })).toEqual({ "b.csv": "unread" });
  });

  it("leaves a large file unread", async () => {
    expect(await find({ "a.csv": csv.padEnd(1001, "x") })).toEqual({ "a.csv": "large" });
  });

  it("passes over runs, wherever they lie", async () => {
    const files = {
      "runs/one/evaluation/suite.csv": csv,
      "elsewhere/run/manifest.json": "{}",
      "elsewhere/run/events.jsonl": "",
      "elsewhere/run/evaluation/suite.csv": csv,
      "elsewhere/manifest.json": "{}",
      "elsewhere/prompts.csv": csv,
    };
    expect(await find(files)).toEqual({ "elsewhere/prompts.csv": "unread" });
  });

  it("finds prompts where the folder of runs is the workspace itself", async () => {
    expect(await find({ "a.csv": csv }, { runsFolder: "." })).toEqual({ "a.csv": "unread" });
  });

  it("passes over a file that is gone", async () => {
    const rules = { root: "/nowhere", runsFolder: "runs", largeBytes: 1, hasColumn: () => true };
    expect(await findPromptFiles(["/nowhere/a.csv"], rules)).toEqual([]);
  });
});

describe("glob patterns of the settings", () => {
  it.each([
    [[], undefined],
    [["**/*.csv"], "**/*.csv"],
    [["**/*.csv", "**/*.json"], "{**/*.csv,**/*.json}"],
    [["**/{a,b}/*.{csv,tsv}", "c"], "{**/a/*.csv,**/a/*.tsv,**/b/*.csv,**/b/*.tsv,c}"],
  ])("%j become one", (patterns, expected) => {
    expect(joinGlobs(patterns)).toBe(expected);
  });
});
