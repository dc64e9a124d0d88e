import { describe, expect, test } from "vitest";
import { namedJudges, stringJudges } from "../../../src/engine/evaluate/judges/judges.ts";
import { namesAt } from "../../../src/extension/benchmark/completed.ts";
import { valueAt } from "../../../src/extension/recipe/valueAt.ts";
import { knownSuites } from "../../../src/suites/registry.ts";

/** The names that are offered at the `|` of a text. */
function at(marked: string): string[] {
  const text = marked.replace("|", "");
  const typed = valueAt(text, marked.indexOf("|"));
  return typed === null ? [] : namesAt(text, typed).map(({ name }) => name);
}

describe("where a benchmark names one of its methods", () => {
  const methods = `
    { "name": "untrained", "stages": [] },
    { "name": "STL", "stages": ["supervised"] },
    { "name": "SCANS", "on": "STL", "steering": { "type": "scans" } },
    { "name": "SCANS, random", "controlOf": "SCANS" },
    { "name": "DPO", "on": "STL", "stages": ["preference"] }`;
  const file = (own: string, rest = "") => `{ "methods": [${methods}, { "name": "own", ${own} }]${rest} }`;

  test("`on` has those that train", () => {
    expect(at(file('"on": "|"'))).toEqual(["STL", "DPO"]);
    expect(at(file('"on": |'))).toEqual(["STL", "DPO"]);
  });

  test("`controlOf` has those that steer", () => {
    expect(at(file('"controlOf": "S|"'))).toEqual(["SCANS"]);
  });

  test("`reference` has all but controls; those of every benchmark where the file names none", () => {
    expect(at(file('"stages": []', ', "reference": "|"'))).toEqual([
      "untrained",
      "STL",
      "SCANS",
      "DPO",
      "own",
    ]);
    expect(at('{ "reference": "|" }')).toEqual(["untrained", "STL", "DCR → STL"]);
    expect(at('{ "methods": 3, "reference": "|" }')).toEqual([]);
    expect(at('{ "methods": [null, { "name": 3, "stages": null }, {}, "STL"], "reference": "|" }')).toEqual(
      [],
    );
  });

  test("each says what it is", () => {
    const text = file('"stages": []', ', "reference": ""');
    const said = namesAt(text, { path: ["reference"] }).map(({ description }) => description);
    expect(said).toEqual(["no stages", "supervised", "scans on STL", "preference on STL", "no stages"]);
  });
});

test("the draws of a control answer suites of the file", () => {
  const suites =
    '["xstest", { "suite": "oktest", "name": "safe" }, { "name": "own", "source": { "file": "a.csv" } }]';
  expect(at(`{ "suites": ${suites}, "methods": [{ "control": { "suites": ["|"] } }] }`)).toEqual([
    ...["xstest", "safe", "own"],
  ]);
  expect(at('{ "suites": 3, "methods": [{ "control": { "suites": ["|"] } }] }')).toEqual([]);
});

test("suites and judges are those that are known, wherever a file lists them", () => {
  const suites = knownSuites.filter(({ task }) => task !== "training").map(({ id }) => id);
  for (const listed of [
    '{ "suites": ["|"] }',
    '{ "suites": [|] }',
    '{ "suites": ["oktest", { "suite": "x|", "limit": 3 }] }',
    '{ "tuning": { "suites": ["|"] } }',
    '{ "evaluate": { "suites": ["|"] } }',
    '{ "recipe": { "evaluate": { "suites": ["|"] } } }',
  ])
    expect(at(listed), listed).toEqual(suites);
  const judges = [...stringJudges.map(({ id }) => id), ...Object.keys(namedJudges)].sort();
  for (const listed of [
    '{ "judges": ["|"] }',
    '{ "judges": ["xstest", |] }',
    '{ "evaluate": { "judges": ["|"] } }',
    '{ "recipe": { "evaluate": { "judges": ["|"] } } }',
  ])
    expect(at(listed).sort(), listed).toEqual(judges);
  for (const elsewhere of [
    '{ "suites": [{ "name": "|" }] }',
    '{ "suites": [{ "|": "" }] }',
    '{ "judges": [{ "type": "|" }] }',
    '{ "name": "|" }',
    '{ "methods": [{ "name": "|" }] }',
    "|",
  ])
    expect(at(elsewhere), elsewhere).toEqual([]);
});
