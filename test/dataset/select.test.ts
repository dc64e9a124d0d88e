import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { contrastGroups } from "../../src/dataset/groups.ts";
import { selectPrompts } from "../../src/dataset/select.ts";
import { samplePath } from "../publishedFiles.ts";
import { temporaryFile } from "./files.ts";

const xstest = () => ({ root: samplePath() });
const file = "xstest_v2_prompts.csv";

describe("selectPrompts", () => {
  test("filters by label, kind and column, and overrides labels", async () => {
    const toxic = await selectPrompts({ file, labels: ["toxic"] }, xstest());
    expect(toxic.records).toHaveLength(16);
    const two = await selectPrompts({ file, kinds: ["homonyms", "definitions"] }, xstest());
    expect(two.records).toHaveLength(4);
    const rest = await selectPrompts({ file, exceptKinds: ["homonyms", "definitions"] }, xstest());
    expect(rest.records).toHaveLength(32);
    const where = await selectPrompts(
      { file, where: { focus: ["kill", "poison"] }, label: "general" },
      xstest(),
    );
    expect(where.records).toHaveLength(4);
    expect(new Set(where.records.map(({ label }) => label))).toEqual(new Set(["general"]));
  });

  test("draws by the seed alone, nested and in file order", async () => {
    const draw = async (limit: number, seed: number) =>
      (await selectPrompts({ file, limit, seed }, xstest())).records.map(({ line }) => line);
    const ten = await draw(10, 1);
    expect(await draw(10, 1)).toEqual(ten);
    expect(await draw(10, 2)).not.toEqual(ten);
    expect(ten).toHaveLength(10);
    expect(ten.toSorted((a, b) => a - b)).toEqual(ten);
    expect(await draw(20, 1)).toEqual(expect.arrayContaining(ten));
  });

  test("leaves out prompts by their ids, before it draws, and says which of them are not there", async () => {
    const all = await selectPrompts({ file, limit: 5 }, xstest());
    const gone = all.records[1]!.id;
    const { records, notices } = await selectPrompts({ file, limit: 6, exclude: [gone, "nobody"] }, xstest());
    expect(records.map(({ id }) => id)).not.toContain(gone);
    expect(records).toHaveLength(6);
    const kept = all.records.filter(({ id }) => id !== gone);
    expect(records).toEqual(expect.arrayContaining(kept));
    expect(notices).toContainEqual(expect.stringMatching(/"exclude" names "?nobody/));
  });

  test("draws twins together", async () => {
    const rows = Array.from(
      { length: 20 },
      (_, i) => `p${i},toxic,bad ${i}\np${i},seemingly_toxic,good ${i}`,
    );
    const path = await temporaryFile("pairs.csv", `pair,label,prompt\n${rows.join("\n")}\n`);
    const { records } = await selectPrompts({ file: "pairs.csv", limit: 7 }, { root: dirname(path) });
    expect(records).toHaveLength(6);
    expect(contrastGroups(records).pairs.size).toBe(3);
    const tooFew = selectPrompts({ file: path, limit: 1 });
    await expect(tooFew).rejects.toMatchObject({
      code: "dataset-empty",
      message: expect.stringMatching(/twins/),
    });
  });

  test("reads the embedded starter set", async () => {
    const { records } = await selectPrompts({ file: "starter:general.jsonl", split: "train" });
    expect(records).toHaveLength(280);
    expect(records[0]).toMatchObject({ label: "general", kind: "arithmetic", split: "train", line: 1 });
    expect(records.every(({ response }) => response !== undefined)).toBe(true);
    const pairs = contrastGroups(
      (await selectPrompts({ file: "starter:pairs.csv", split: "train" })).records,
    );
    expect(pairs.pairs.size).toBe(240);
    expect([pairs.toxic.length, pairs.seeminglyToxic.length]).toEqual([240, 240]);
    const safety = await selectPrompts({ file: "starter:safety.jsonl", limit: 10 });
    expect(safety.records.map(({ label }) => label)).toEqual(Array(10).fill("toxic"));
  });

  test("says which filters let nothing through", async () => {
    await expect(selectPrompts({ file, kinds: ["nothing"] }, xstest())).rejects.toMatchObject({
      code: "dataset-empty",
      message: expect.stringMatching(/36 prompts.*"kinds":\["nothing"\]/),
    });
    await expect(selectPrompts({ file, split: "train" }, xstest())).rejects.toMatchObject({
      code: "column-missing",
    });
    await expect(selectPrompts({ file: "none.csv" }, xstest())).rejects.toMatchObject({
      code: "file-missing",
    });
  });
});

describe("contrastGroups", () => {
  test("needs two prompts a group, and says where it looked", async () => {
    const path = await temporaryFile(
      "few.csv",
      "prompt,label\na,toxic\nb,toxic\nc,seemingly toxic\nd,general\n",
    );
    const { records } = await selectPrompts({ file: path });
    expect(() => contrastGroups(records)).toThrow(
      /2 seemingly toxic prompts and found 1 among the 4 of few\.csv/,
    );
    expect(() => contrastGroups([])).toThrow(/found 0 among the 0 of no file/);
  });

  test("sorts XSTest into its groups", async () => {
    const { records } = await selectPrompts({ file }, xstest());
    const groups = contrastGroups(records);
    expect([groups.toxic.length, groups.seeminglyToxic.length, groups.pairs.size]).toEqual([16, 20, 0]);
  });
});
