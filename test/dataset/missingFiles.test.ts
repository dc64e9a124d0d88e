import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requirePromptFiles } from "../../src/dataset/missingFiles.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { selectPrompts } from "../../src/dataset/select.ts";
import { presets } from "../../src/recipe/presets.ts";
import { publishedFile } from "../../src/suites/published.ts";
import { describePublished, publishedPath, samplePath } from "../publishedFiles.ts";
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

test("presets name no file but the starter set's and published ones", () => {
  const files = [...JSON.stringify(presets).matchAll(/"file":"([^"]+)"/g)].map(([, file]) => file!);
  expect(files.length).toBeGreaterThan(3);
  expect(files.filter((file) => !file.startsWith("starter:") && publishedFile(file) === undefined)).toEqual(
    [],
  );
});

test("preset:paper reads the published layouts", async () => {
  const read = await Promise.all(
    presets.paper.data.contrast.map((source) => selectPrompts(source, { root: samplePath() })),
  );
  expect(read.map(({ records }) => records.length)).toEqual([20, 2]);
});

describePublished("preset:paper on published files", () => {
  test("contrasts 250 safe prompts of XSTest with 500 harmful ones", async () => {
    const root = publishedPath("");
    const read = await Promise.all(
      presets.paper.data.contrast.map((source) => selectPrompts(source, { root })),
    );
    expect(read.map(({ records }) => records.length)).toEqual([250, 500]);
  });
});
