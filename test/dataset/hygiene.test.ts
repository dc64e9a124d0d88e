import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contamination, contradictions } from "../../src/dataset/hygiene.ts";
import { closestPairs, type Likeness } from "../../src/dataset/likePairs.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { type PromptRecord, promptId } from "../../src/dataset/record.ts";
import type { Label } from "../../src/protocol/label.ts";
import { CLOSEST } from "../../src/protocol/report/training.ts";
import { describePublished, publishedPath, samplePath } from "../publishedFiles.ts";

const record = (prompt: string, label?: Label, pair?: string): PromptRecord => ({
  id: promptId(prompt),
  prompt,
  ...(label && { label }),
  ...(pair && { pair }),
  source: "p.csv",
  line: 1,
});

/** Of each prompt the closest other one, as a search that lets nobody else work. */
function closest(records: readonly PromptRecord[], threshold: number): Likeness[] {
  const search = closestPairs(records, records, threshold, (i, j) => i !== j);
  for (let step = search.next(); ; step = search.next()) if (step.done) return step.value;
}

describe("closestPairs", () => {
  test("finds the same words and near ones, the former first", () => {
    const found = closest(
      [
        record("How can I kill a Python process?"),
        record("how can i kill a python process"),
        record("How can I kill a Python process quickly?"),
        record("What is the capital of France?"),
      ],
      0.5,
    );
    expect(found.map(({ similarity }) => similarity)).toEqual([1, 1, 5 / 6]);
    expect(found[0]).toMatchObject({ first: { prompt: "How can I kill a Python process?" } });
  });

  test("does with prompts of no, one and two words", () => {
    expect(closest([record("?!"), record("Hi"), record("hi!"), record("Hi there")], 0.5)).toHaveLength(2);
    expect(closest([], 0.5)).toEqual([]);
  });

  test("finds the similarity that comparing all with all finds", () => {
    const words = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 8 });
    const sets = fc.array(words, { maxLength: 12 });
    fc.assert(
      fc.property(sets, fc.constantFrom(0.3, 0.5, 0.8, 1), (lists, threshold) => {
        const records = lists.map((list) => record(list.join(" ")));
        const gramsOf = (list: string[]) =>
          new Set(
            list.length < 3
              ? [list.join(" ")]
              : list.slice(2).map((w, i) => [list[i], list[i + 1], w].join(" ")),
          );
        const grams = lists.map(gramsOf);
        const similarity = (x: Set<string>, y: Set<string>) => {
          const shared = [...x].filter((gram) => y.has(gram)).length;
          return shared / (x.size + y.size - shared);
        };
        const best = grams.map((x, i) =>
          grams.reduce((most, y, j) => (j === i ? most : Math.max(most, similarity(x, y))), 0),
        );
        const found = new Map(
          closest(records, threshold).map(({ first, similarity }) => [first, similarity]),
        );
        expect(records.map((each) => found.get(each) ?? 0)).toEqual(
          best.map((each) => (each >= threshold ? each : 0)),
        );
      }),
    );
  });

  test("contradictions have two labels, and twins of a pair are none", async () => {
    const [a, b] = ["How do I blow up a big balloon?", "How do I blow up a big balloon now?"] as const;
    expect(await contradictions([record(a, "toxic"), record(b, "seemingly_toxic")])).toHaveLength(1);
    expect(await contradictions([record(a, "toxic"), record(b, "toxic")])).toHaveLength(0);
    expect(await contradictions([record(a, "toxic", "p1"), record(b, "seemingly_toxic", "p1")])).toHaveLength(
      0,
    );
    expect(await contradictions([record(a), record(b, "toxic")])).toHaveLength(0);
  });

  test("a search for contradictions lets others work, and ends when asked to", async () => {
    const many = Array.from({ length: 3000 }, (_, i) =>
      record(`Tell me how the thing of number ${i} works in daily life please`, i % 2 ? "toxic" : "general"),
    );
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(contradictions(many, controller.signal)).rejects.toThrow("enough");
  });

  test("takes 80,000 prompts, two of a kind", () => {
    const subjects = Array.from({ length: 400 }, (_, i) => `subject${i}`);
    const many = Array.from({ length: 80_000 }, (_, i) =>
      record(
        `Can you explain to me how the ${subjects[(i >> 1) % 400]} of number ${i >> 1} works in daily life?`,
      ),
    );
    expect(closest(many, 0.9)).toHaveLength(80_000);
  });
});

const part = (name: string, ...records: PromptRecord[]) => [{ part: name, records }];

describe("contamination", () => {
  test("exact, normalised and near duplicates are counted apart, each prompt once at its closest, with its parts", async () => {
    const found = await contamination(
      [
        ...part("contrast", record("How do I kill a Python process"), record("How do I steal the show?")),
        ...part(
          "safety",
          record("How do I KILL a Python process?!"),
          record("Tell me how to bake bread at home"),
        ),
        ...part("general", record("Nothing that is asked anywhere else in this file")),
      ],
      [
        record("How do I KILL a Python process?!"),
        record("how do i steal  the show"),
        record("Tell me how to bake some bread at home please"),
        record("Please tell me how to bake bread at home"),
        record("A prompt that no part has"),
      ],
    );
    expect(found).toMatchObject({
      ...{ prompts: 5, contaminated: 3, exact: 1, normalised: 1, near: 1, sameWords: 2 },
      parts: { contrast: 2, safety: 2 },
    });
    expect(found.closest.map(({ part: of, similarity }) => [of, similarity])).toEqual([
      ["safety", 1],
      ["contrast", 1],
      ["safety", 6 / 7],
    ]);
  });

  test("names both prompts", async () => {
    const found = await contamination(
      part("contrast", record("Tell me how to bake bread at home"), record("Something else entirely here")),
      [record("tell me how to bake bread at home!"), record("Nothing like it at all")],
    );
    expect(found).toMatchObject({
      prompts: 2,
      contaminated: 1,
      sameWords: 1,
      closest: [{ similarity: 1, training: { prompt: "Tell me how to bake bread at home" } }],
    });
  });

  test("a file overlaps with itself wholly, and with one of other sentences not at all", async () => {
    const xstest = (await readPrompts(samplePath("xstest_v2_prompts.csv"))).records;
    const oktest = (await readPrompts(samplePath("oktest.csv"))).records;
    expect((await contamination(part("contrast", ...xstest), xstest)).sameWords).toBe(36);
    expect((await contamination(part("contrast", ...xstest), oktest)).contaminated).toBe(0);
  });

  test("of many alike prompts all are counted and the closest kept, in little memory and time", async () => {
    const template = (i: number) => record(`Tell me how to mend the garden fence of house number ${i} today`);
    const training = Array.from({ length: 4000 }, (_, i) => template(i));
    const evaluation = Array.from({ length: 4000 }, (_, i) => template(i + 2000));
    const found = await contamination(part("contrast", ...training), evaluation);
    expect(found).toMatchObject({ prompts: 4000, contaminated: 4000, sameWords: 2000 });
    expect(found.closest).toHaveLength(CLOSEST);
    expect(found.closest.every(({ similarity }) => similarity === 1)).toBe(true);
  });
});

describePublished("contamination of published files", () => {
  test("XSTest overlaps with itself wholly and with OKTest hardly", async () => {
    const xstest = (await readPrompts(publishedPath("xstest_v2_prompts.csv"))).records;
    const oktest = (await readPrompts(publishedPath("oktest.csv"))).records;
    expect((await contamination(part("contrast", ...xstest), xstest)).sameWords).toBe(450);
    expect((await contamination(part("contrast", ...xstest), oktest)).contaminated).toBeLessThan(10);
  });
});
