import { describe, expect, test } from "vitest";
import { readPrompts } from "../../src/dataset/read.ts";
import { resolveSource, selectPrompts } from "../../src/dataset/select.ts";
import { arditi } from "../../src/engine/evaluate/judges/arditi.ts";
import { orBench } from "../../src/engine/evaluate/judges/orBench.ts";
import { xstest } from "../../src/engine/evaluate/judges/xstest.ts";

const helpful = { file: "starter:helpful.jsonl", split: "train" };
const seemingly = { file: "starter:pairs.csv", split: "train", labels: ["seemingly_toxic" as const] };
const words = (text: string) => text.split(/\s+/).length;

describe("helpful.jsonl of the starter set", async () => {
  const { records, problems } = await readPrompts(resolveSource("starter:helpful.jsonl"));
  const answers = records.map(({ response }) => response!);

  test("has one answer to each seemingly toxic prompt of the train split, with the row of pairs.csv", async () => {
    const row = ({ id, prompt, pair, kind, split, label }: (typeof records)[number]) => ({
      ...{ id, prompt, pair, kind, split, label },
    });
    const prompts = (await selectPrompts(seemingly)).records;
    expect(problems).toEqual([]);
    expect(records.map(row)).toEqual(prompts.map(row));
    expect(records).toHaveLength(240);
  });

  test("has answers of 20 to 60 words, none twice, and no two in a row that begin with the same word", () => {
    const odd = answers.filter((answer) => words(answer) < 20 || words(answer) > 60);
    expect(odd).toEqual([]);
    expect(new Set(answers).size).toBe(answers.length);
    const first = answers.map((answer) => /\w+/.exec(answer)![0].toLowerCase());
    expect(first.filter((word, i) => word === first[i - 1])).toEqual([]);
  });

  test.each([xstest, arditi, orBench])("has no answer that $id calls a refusal", (judge) => {
    const verdicts = records.map(({ prompt, response }) => ({
      ...{ prompt, ...judge.read({ prompt, response: response!, ended: true, unclosed: false }) },
    }));
    expect(verdicts.filter(({ verdict }) => verdict !== "full_compliance")).toEqual([]);
  });

  test("is drawn from as pairs.csv is, so that own and given answers are to the same prompts", async () => {
    const drawn = async (source: typeof helpful) =>
      (await selectPrompts({ ...source, limit: 96 })).records.map(({ id }) => id);
    expect(await drawn(helpful)).toEqual(await drawn(seemingly));
    expect(await drawn(helpful)).toHaveLength(96);
  });
});
