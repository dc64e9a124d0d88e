import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { requirePromptFiles } from "../../src/dataset/missingFiles.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { presets } from "../../src/recipe/presets.ts";
import { readRecipePrompts } from "../../src/recipe/prompts.ts";
import { suiteSource } from "../../src/suites/locate.ts";
import { describePublished, samplePath } from "../publishedFiles.ts";
import { tempFolder } from "../tempFolder.ts";

describe("prompt files that are missing", () => {
  test("are all named at once, published ones with repository and licence", async () => {
    const folder = tempFolder();
    await cp(samplePath("oktest.csv"), join(folder, "oktest.csv"));
    const paths = ["oktest.csv", "xstest_v2_prompts.csv", "mine.csv", "advbench.csv"].map((file) =>
      join(folder, file),
    );
    const error = await requirePromptFiles([...paths, ...paths]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "file-missing" });
    const lines = (error as Error).message.split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe("3 prompt files are missing:");
    expect(lines[1]).toMatch(/xstest_v2_prompts\.csv.*exaggerated-safety.*CC BY 4\.0/);
    expect(lines[2]).toMatch(/mine\.csv\. Check the path\.$/);
    expect(lines[3]).toMatch(/advbench\.csv.*llm-attacks.*MIT/);
    await requirePromptFiles([paths[0]!]);
  });

  test("one alone says the same, also where a reader meets it", async () => {
    const path = join(tempFolder(), "oktest.csv");
    await expect(readPrompts(path)).rejects.toMatchObject({
      code: "file-missing",
      message: expect.stringMatching(/no prompt file .*oktest\.csv.*OKTest.*OverKill/),
    });
  });

  test("a file whose name differs in capital letters is pointed at", async () => {
    const folder = tempFolder();
    await writeFile(join(folder, "OKTest.csv"), "prompt\na\n");
    const path = join(folder, "oktest.csv");
    // Some file systems find it all the same.
    const found = await readPrompts(path).catch((error: Error) => error.message);
    if (typeof found === "string") expect(found).toMatch(/There is OKTest\.csv, whose name differs/);
  });
});

test("presets name no file but the starter set's and those of known suites, which can be fetched", () => {
  const files = [...JSON.stringify(presets).matchAll(/"file":"([^"]+)"/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(3);
  for (const file of files.filter((file) => !file.startsWith("starter:"))) {
    expect(suiteSource(file).file.from, file).toBeDefined();
  }
});

describe("the contrast of preset:paper", () => {
  const read = async () => {
    const recipe = recipeSchema.parse({ ...presets.paper, model: "m", evaluate: { suites: ["xstest"] } });
    const { prompts, problems } = await readRecipePrompts(recipe, { root: tempFolder() });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    return prompts;
  };
  beforeEach(() => {
    vi.stubEnv("DISCERN_SUITES", tempFolder());
    return () => vi.unstubAllEnvs();
  });

  test("is read from the files that are fetched, wherever the recipe lies, and shares no type with XSTest as a suite", async () => {
    vi.stubEnv("DISCERN_DATA", samplePath());
    const { contrast, suites } = await read();
    const [toxic, safe] = ["toxic", "seemingly_toxic"].map((label) =>
      contrast.filter((one) => one.label === label),
    );
    expect([toxic!.length, safe!.length]).toEqual([2, 10]);
    const trained = new Set(safe!.map(({ kind }) => kind));
    expect(trained.size).toBe(5);
    expect(suites[0]!.records.length).toBeGreaterThan(0);
    expect(suites[0]!.records.filter(({ kind }) => trained.has(kind))).toEqual([]);
  });

  describePublished("on published files", () => {
    test("is 125 safe prompts of XSTest and 500 harmful ones; 225 prompts of XSTest are left to test", async () => {
      const { contrast, suites } = await read();
      const count = (of: readonly { label?: string | null }[], label: string) =>
        of.filter((one) => one.label === label).length;
      expect([count(contrast, "seemingly_toxic"), count(contrast, "toxic")]).toEqual([125, 500]);
      expect(suites[0]!.records).toHaveLength(225);
    });
  });
});
