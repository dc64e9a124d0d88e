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
    hasLayout: () => false,
    ...rules,
  });
  return Object.fromEntries(
    found.map(({ path, state, reason }) => [
      relative(root, path),
      reason === undefined ? state : [state, reason],
    ]),
  );
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
    expect(await find(files)).toEqual({
      "a.csv": "unread",
      "b.csv": "unclear",
      "numbers.csv": ["empty", 'No column of numbers.csv holds sentences. Columns: "a", "b".'],
    });
  });

  it("keeps tables that give no prompts, with the reason, and no other file", async () => {
    const files = {
      "nothing.csv": "",
      "header.csv": "prompt,label\n",
      "blank.csv": "prompt,label\n,toxic\n",
      "binary.csv": "prompt\n\0\n",
      "broken.jsonl": "{broken\n",
      "not.parquet": "PAR",
      "list.json": "[]",
      "settings.json": "{}",
      "half.json": '{"a": [',
      "notes.txt": "How do I do it?\n",
    };
    expect(await find(files)).toEqual({
      "nothing.csv": ["empty", "nothing.csv is empty."],
      "header.csv": ["empty", 'header.csv has columns and no rows. Columns: "prompt", "label".'],
      "blank.csv": ["empty", 'The first rows of blank.csv have no text in the column "prompt".'],
      "binary.csv": ["failed", expect.stringMatching(/^binary\.csv:2: .*NUL/)],
      "broken.jsonl": [
        "failed",
        expect.stringMatching(/^No row of broken\.jsonl can be read.*line 1, not JSON/),
      ],
      "not.parquet": ["failed", expect.stringMatching(/^not\.parquet cannot be read as Parquet/)],
      "list.json": ["empty", "list.json is empty."],
    });
  });

  it("says what a file of questions with choices is for", async () => {
    const mmlu = "Which bread rises?,flat bread,sourdough,a cracker,none of them,B\n".repeat(4);
    expect(await find({ "baking_test.csv": mmlu })).toEqual({
      "baking_test.csv": [
        "empty",
        expect.stringMatching(/questions of several choices.*"suites": \["mmlu"\]/),
      ],
    });
  });

  it("asks no more where a person chose the column", async () => {
    const files = { "b.csv": "text of it,x\nHow do I kill a process?,1\n" };
    expect(await find(files, { hasLayout: (path) => path.endsWith("b.csv") })).toEqual({ "b.csv": "unread" });
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
    const rules = { root: "/nowhere", runsFolder: "runs", largeBytes: 1, hasLayout: () => true };
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
