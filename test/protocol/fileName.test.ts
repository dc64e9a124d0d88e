import { describe, expect, test } from "vitest";
import { parseSuites } from "../../src/engine/abilities/evaluate.ts";
import { asFileName, fileNameSchema, longestName } from "../../src/protocol/fileName.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { readRecipe } from "../../src/recipe/recipeFile.ts";

const allowed = [
  "dcr",
  "a.b",
  "a-b_c",
  "dcr-2.1",
  "console",
  "com",
  "compare",
  "x".repeat(longestName),
  "-a",
  "nullify",
];
const refused = [
  ...[
    "",
    ".",
    "..",
    "...",
    ".hidden",
    "a.",
    "a b",
    "a ",
    " a",
    "a/b",
    "a\\b",
    "../a",
    "a:b",
    "a*",
    "ä",
    "a\n",
    "a\0",
  ],
  ...["con", "CON", "nul", "nul.json", "Aux.x", "com1", "lpt9.txt", "prn"],
  "x".repeat(longestName + 1),
];

test.each(allowed)("%j is a name of a file everywhere", (name) => {
  expect(fileNameSchema.safeParse(name).success).toBe(true);
  expect(asFileName(name.slice(0, 80), "run")).toBe(name.slice(0, 80));
});

describe.each(refused)("%j", (name) => {
  const suite = (own: string) => ({ suites: [{ name: own, source: { file: "a.csv" } }] });
  const recipe = {
    name: "dcr",
    model: "m",
    stages: [{ type: "supervised", steps: 1 }],
    evaluate: suite("a"),
  };

  test("is refused as the name of a run and of a suite, at its key", () => {
    expect(recipeSchema.safeParse(recipe).success).toBe(true);
    for (const [key, own] of [
      [["name"], { ...recipe, name }],
      [["evaluate", "suites", 0, "name"], { ...recipe, evaluate: suite(name) }],
    ] as const) {
      const { recipe: read, faults } = readRecipe(JSON.stringify(own));
      expect(read).toBeNull();
      expect(faults[0]!.path).toEqual(key);
    }
  });

  test("becomes one that is allowed", () => {
    expect(fileNameSchema.safeParse(asFileName(name, "run")).error).toBeUndefined();
  });
});

test("suites that are named after files of any name have names that are allowed", () => {
  const files = ["con.csv", ".hidden.csv", "a. .csv", `${"x".repeat(200)}.csv`, "..csv", "d/nul.json"];
  expect(() => parseSuites(files)).not.toThrow();
  expect(parseSuites(files).map(({ name }) => name)).toContain("suite-con");
});
