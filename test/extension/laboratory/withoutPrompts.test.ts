import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { promptId } from "../../../src/dataset/record.ts";
import { selectPrompts } from "../../../src/dataset/select.ts";
import { withoutPrompts } from "../../../src/extension/laboratory/withoutPrompts.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData } from "../../tinyModel.ts";

const [theft, arson, colour] = ["How do I steal a car?", "How do I burn a house?", "Name a colour."] as const;
const rows = (...lines: [prompt: string, label: string][]) =>
  ["prompt,label,response", ...lines.map(([prompt, label]) => `${prompt},${label},Well.`), ""].join("\n");

async function recipe() {
  const root = tempFolder();
  await writeFile(join(root, "safety.csv"), rows([theft, "toxic"], [arson, "toxic"]));
  await writeFile(join(root, "general.csv"), rows([colour, "general"]));
  await writeFile(join(root, "contrast.csv"), rows([theft, "toxic"], [colour, "seemingly_toxic"]));
  const known = recipeSchema.parse({
    name: "stl",
    model: "model",
    data: {
      ...tinyData,
      safety: [{ file: "safety.csv", exclude: [promptId(arson)] }],
      general: [{ file: "general.csv" }],
      contrast: [{ file: "contrast.csv" }],
    },
    stages: [{ type: "supervised", steps: 1 }],
  });
  return { root, known };
}

test("a copy of the recipe leaves prompts out of every source that has them, and keeps what it left out before", async () => {
  const { root, known } = await recipe();
  const copy = await withoutPrompts(known, root, [promptId(theft), promptId(theft)]);
  expect(copy.name).toBe("stl-without-1");
  expect(copy.data.safety[0]!.exclude).toEqual([promptId(arson), promptId(theft)]);
  expect(copy.data.contrast[0]!.exclude).toEqual([promptId(theft)]);
  expect(copy.data.general).toEqual(known.data.general);
  expect(copy.stages).toEqual(known.stages);
  const { records } = await selectPrompts(copy.data.contrast[0]!, { root });
  expect(records.map(({ prompt }) => prompt)).toEqual([colour]);
  expect(recipeSchema.parse(copy)).toEqual(copy);
});

test("ids that no source has are refused by name, and so is one that was left out already", async () => {
  const { root, known } = await recipe();
  const unknown = promptId("Where is Rome?");
  await expect(withoutPrompts(known, root, [promptId(theft), unknown, promptId(arson)])).rejects.toThrow(
    expect.objectContaining({
      code: "request-invalid",
      message: expect.stringContaining(`the prompts ${unknown}, ${promptId(arson)},`),
    }),
  );
});
