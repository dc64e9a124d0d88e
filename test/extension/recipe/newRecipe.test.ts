import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import type { PromptRecord } from "../../../src/dataset/record.ts";
import {
  type FileUse,
  fileUses,
  possibleUses,
  proposeUses,
  type RecipeFile,
  sourceOf,
  type UsedFile,
  withLabel,
} from "../../../src/extension/recipe/fileUses.ts";
import { portableModel, portableName } from "../../../src/extension/recipe/modelName.ts";
import { newRecipe, standIns, suiteNames } from "../../../src/extension/recipe/newRecipe.ts";
import { contentWords, useWords } from "../../../src/extension/recipe/useWords.ts";
import type { Label } from "../../../src/protocol/label.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { checkRecipeText } from "../../../src/recipe/check.ts";
import { tempFolder } from "../../tempFolder.ts";

const starter = join(import.meta.dirname, "../../../datasets/starter");
const file = async (name: string, path = name): Promise<RecipeFile> => ({
  path,
  records: (await readPrompts(join(starter, name), { format: "starter" })).records,
});

let root: string;
beforeEach(() => {
  root = tempFolder();
});

/** A file of a researcher, written and read. */
async function own(path: string, lines: readonly string[]): Promise<RecipeFile> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), lines.join("\n"));
  return { path, records: (await readPrompts(join(root, path))).records };
}

/** Errors and warnings of a recipe over files in `root`. */
async function problemsOf(used: readonly UsedFile[]): Promise<string[]> {
  const recipe = newRecipe("mine", "m", used);
  expect(recipeSchema.safeParse(recipe).error).toBeUndefined();
  const options = { root, starter, model: async () => null };
  const { problems } = await checkRecipeText(JSON.stringify(recipe), options);
  return problems.map(({ message }) => message);
}

/** As XSTest: five types, each with its contrast of unsafe prompts. */
const typed = ["homonyms", "figurative", "definitions", "privacy", "history"].flatMap((type, i) =>
  Array.from({ length: 20 + i }, (_, n) => [
    `${type} ${n},${type},${type} safe question ${n}`,
    `c${type} ${n},contrast_${type},${type} unsafe demand ${n}`,
  ]).flat(),
);
const xstest = () => own("data/xs.csv", ["focus,type,prompt", ...typed]);
const oktest = () =>
  own("data/oktest.csv", ["prompt", ...Array.from({ length: 30 }, (_, i) => `How do I kill process ${i}?`)]);
const advbench = () =>
  own("data/adv.csv", ["goal,target", ...Array.from({ length: 250 }, (_, i) => `Do harm ${i},Sure`)]);
const refusals = () =>
  own("data/safety_only.json", [
    JSON.stringify(
      Array.from({ length: 40 }, (_, i) => ({ instruction: `Say hate ${i}`, output: "I'm sorry, but no." })),
    ),
  ]);

describe("a new recipe", () => {
  test("monitors the prompts of every file that holds some out, which share the number that is monitored", async () => {
    const other = await own("data/zs.csv", ["focus,type,prompt", ...typed.map((row) => `${row} again`)]);
    const used = proposeUses([await xstest(), other]);
    expect(used.map(({ uses }) => uses.includes("monitored"))).toEqual([true, true]);
    const { panels } = newRecipe("mine", "m", used).data!;
    for (const panel of [panels!.toxic, panels!.seeminglyToxic])
      expect(panel).toMatchObject([
        { file: "data/xs.csv", limit: 12 },
        { file: "data/zs.csv", limit: 12 },
      ]);
    // Neither has general prompts.
    expect(panels!.general).toMatchObject({ file: "starter:general.jsonl" });
    const first = { ...used[0]!, uses: used[0]!.uses.filter((use) => use !== "monitored") };
    expect(newRecipe("mine", "m", [first, used[1]!]).data!.panels!.toxic).toMatchObject({
      ...{ file: "data/zs.csv", limit: 24 },
    });
  });

  test("uses every one of four files: one for the stage, by category, two as suites, one for safety tuning", async () => {
    const used = proposeUses([await xstest(), await oktest(), await advbench(), await refusals()]);
    expect(used.map(({ uses }) => uses)).toEqual([
      ["contrast", "monitored", "suite"],
      ["suite"],
      ["suite"],
      ["safety"],
    ]);
    const recipe = newRecipe("mine", "m", used);
    const [contrast] = recipe.data!.contrast!;
    const [first, second, third] = recipe.evaluate!.suites as {
      source: { kinds?: string[]; limit?: number };
    }[];
    // The smallest families, whole, with their contrasts: homonyms are 40 of 220 prompts, about a fifth.
    expect(first!.source.kinds).toEqual(["contrast_homonyms", "homonyms"]);
    expect(recipe.data!.panels!.toxic).toMatchObject({
      kinds: ["contrast_figurative", "figurative"],
      labels: ["toxic"],
    });
    expect(contrast!.exceptKinds!.toSorted()).toEqual(
      [...first!.source.kinds!, "contrast_figurative", "figurative"].toSorted(),
    );
    expect(second!.source).toEqual({ file: "data/oktest.csv" });
    expect(third!.source).toEqual({ file: "data/adv.csv", limit: 200 });
    expect(recipe.data!.safety).toEqual([{ file: "data/safety_only.json", label: "toxic" }]);
    expect(standIns(used)).toEqual(["general answers", "general monitored prompts"]);
    expect(await problemsOf(used)).toEqual([]);
  });

  test("says in a line how each file is used, with counts, or why it is not", async () => {
    const lost = { path: "lost.csv", records: [], problem: "it cannot be read" };
    const bare = await own("bare.csv", ["prompt", "One?", "Two?"]);
    const used = proposeUses([await xstest(), await advbench(), await refusals(), bare, lost]);
    expect(used.map(useWords)).toEqual([
      "contrastive 69 + 69 · monitored 21 + 21 · suite 20 + 20 · by category",
      "suite 200 of 250 toxic",
      "safety tuning 40",
      "Not used: none of its 2 prompts has a label. Enter says what they are",
      "Not used: it cannot be read",
    ]);
    expect(contentWords(used[2]!)).toBe("40 toxic (by its answers)");
    expect(contentWords(used[4]!)).toBe("");
  });

  test("uses the splits that files have", async () => {
    const used = proposeUses([
      await file("pairs.csv", "data/my pairs.csv"),
      await file("general.jsonl"),
      await file("safety.jsonl"),
    ]);
    const recipe = newRecipe("mine", "smollm2-135m", used);
    expect(recipe.data).toMatchObject({
      contrast: [{ file: "data/my pairs.csv", split: "train" }],
      general: [{ file: "general.jsonl", split: "train", labels: ["general"] }],
      safety: [{ file: "safety.jsonl", split: "train", labels: ["toxic"] }],
      panels: {
        toxic: { file: "data/my pairs.csv", split: "panel" },
        general: { file: "general.jsonl", split: "panel" },
      },
    });
    expect(recipe.evaluate?.suites).toEqual([
      { name: "my-pairs-test", source: { file: "data/my pairs.csv", split: "test" } },
    ]);
    expect(standIns(used)).toEqual([]);
    expect(contentWords(used[0]!)).toBe("384 + 384");
  });

  test("takes the starter set for what no file gives, also for one side of the stage", async () => {
    expect(recipeSchema.parse(newRecipe("empty", "m", []))).toMatchObject({
      data: { contrast: [{ file: "starter:pairs.csv" }], panels: { toxic: { file: "starter:pairs.csv" } } },
    });
    expect(standIns([])).toEqual([
      "contrastive stage",
      "safety tuning",
      "general answers",
      "monitored prompts",
      "suite",
    ]);
    const used = proposeUses([await oktest()]);
    expect(newRecipe("safe", "m", used).data?.contrast).toEqual([
      { file: "data/oktest.csv" },
      { file: "starter:pairs.csv", split: "train", labels: ["toxic"] },
    ]);
    expect(standIns(used)).toContain("toxic prompts of the contrastive stage");
    expect(await problemsOf(used)).toEqual([]);
  });

  test("of a file that cannot be divided is trained on whole; a suite of it besides is said to be trained on", async () => {
    const { records } = await file("pairs.csv");
    const bare = { path: "p.csv", records: records.map(({ split: _, kind: __, ...record }) => record) };
    const [used] = proposeUses([bare]);
    expect(used!.uses).toEqual(["contrast"]);
    expect(newRecipe("bare", "m", [used!]).data?.contrast).toEqual([{ file: "p.csv" }]);
    expect(newRecipe("bare", "m", [used!]).evaluate).toBeUndefined();
    const both = { ...used!, uses: ["contrast", "suite"] as const };
    expect(useWords(both)).toMatch(/\d trained on and measured$/);
  });

  test("is told in lines that the quick pick shows whole: counts by label, else counts, else the uses alone", () => {
    const prompts = (label: Label, n: number): PromptRecord[] =>
      Array.from({ length: n }, (_, i) => ({
        ...{
          id: `${label}${i}`,
          prompt: `${label} ${i}`,
          source: "x.csv",
          line: i + 2,
          label,
          response: "No.",
        },
      }));
    const lineOf = (uses: readonly FileUse[], sizes: readonly number[]) => {
      const records = (["toxic", "seemingly_toxic", "general"] as const).flatMap((label, i) =>
        prompts(label, sizes[i]!),
      );
      return useWords({ file: { path: "x.csv", records }, uses, division: { by: "none" } });
    };
    expect(lineOf(["contrast", "monitored"], [30, 20, 0])).toBe(
      "contrastive 30 + 20 · monitored 30 + 20 · 50 trained on and measured",
    );
    expect(lineOf(["safety", "monitored", "suite"], [300, 200, 100])).toBe(
      "safety tuning 300 · monitored 600 · suite 200 of 500 · 300 trained on and measured",
    );
    expect(lineOf(fileUses, [300, 200, 100])).toBe(
      "contrastive · safety tuning · general · monitored · suite · 600 trained on and measured",
    );
    const problem = "No row of a-file-with-a-long-name.jsonl can be read. The first: line 1, not JSON.";
    const lost = {
      file: { path: "x.csv", records: [], problem },
      uses: [],
      division: { by: "none" },
    } as const;
    expect(useWords(lost)).toBe("Not used: it gives no prompts. Enter says why");
  });

  test("follows what a person decides: another use, a label for all, nothing", async () => {
    const [xs, adv] = proposeUses([await xstest(), await advbench()]);
    const moved = { ...adv!, uses: ["contrast"] as const };
    const alone = { ...xs!, uses: ["suite"] as const };
    // A file that nothing is trained on is evaluated whole.
    const recipe = newRecipe("mine", "m", [alone, moved]);
    expect(recipe.evaluate?.suites).toMatchObject([{ source: { file: "data/xs.csv", limit: 200 } }]);
    expect(recipe.data?.contrast).toEqual([
      { file: "data/adv.csv" },
      { file: "starter:pairs.csv", split: "train", labels: ["seemingly_toxic"] },
    ]);
    const bare = await own("bare.csv", ["prompt", "One?", "Two?"]);
    const named = withLabel(bare, "seemingly_toxic");
    expect(possibleUses(withLabel(bare, undefined))).toEqual([]);
    expect(possibleUses(named)).toEqual(["contrast", "monitored", "suite"]);
    expect(sourceOf({ ...named, uses: ["contrast"] }, "contrast").source).toEqual({
      file: "bare.csv",
      label: "seemingly_toxic",
    });
    expect(newRecipe("mine", "m", [{ ...xs!, uses: [] }]).data?.contrast).toBeUndefined();
  });

  test("says which column holds the prompts where a person chose it", async () => {
    const chosen = { ...(await xstest()), column: "prompt" };
    const [used] = proposeUses([chosen]);
    expect(newRecipe("c", "m", [used!]).data?.contrast?.[0]?.columns).toEqual({ prompt: "prompt" });
    expect(await problemsOf([used!])).toEqual([]);
  });
});

test("files that are called alike become suites of different names", () => {
  expect(suiteNames(["a/x.csv", "b/x.csv"])).toEqual(["x-test", "x-test-2"]);
});

test("a model is named so that others can resolve it", () => {
  const place = { title: "", folder: "" };
  const models = [
    { path: "/home/me/.cache/discern/models/smollm2", name: "smollm2", place: { ...place, kind: "home" } },
    { path: "/hub/snapshots/1", name: "owner/name", place: { ...place, kind: "cache" } },
    { path: "/study/models/tiny", name: "tiny", place: { ...place, kind: "workspace" } },
  ] as unknown as Parameters<typeof portableName>[1];
  const named = (model: string) => portableName(model, models, "/study");
  expect(named("/home/me/.cache/discern/models/smollm2")).toBe("smollm2");
  expect(named("/hub/snapshots/1")).toBe("owner/name");
  expect(named("/study/models/tiny")).toBe("models/tiny");
  expect(named("/work2/models/tiny")).toBe("/work2/models/tiny");
  expect(named("owner/other@main")).toBe("owner/other@main");
  expect(portableModel({ base: "/hub/snapshots/1", adapters: ["/study/runs/a"] }, models, "/study")).toEqual({
    base: "owner/name",
    adapters: ["runs/a"],
  });
  expect(portableModel({ base: "/hub/snapshots/1", adapters: [] }, models, "/study")).toBe("owner/name");
});
