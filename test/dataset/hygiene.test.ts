import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contamination, contradictions, duplicates } from "../../src/dataset/hygiene.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { type PromptRecord, promptId } from "../../src/dataset/record.ts";
import type { Label } from "../../src/protocol/label.ts";
import { sharedPath } from "../shared.ts";

const record = (prompt: string, label?: Label, pair?: string): PromptRecord => ({
  id: promptId(prompt),
  prompt,
  ...(label && { label }),
  ...(pair && { pair }),
  source: "p.csv",
  line: 1,
});

describe("duplicates", () => {
  test("finds the same words and near ones, the former first", () => {
    const found = duplicates([
      record("How can I kill a Python process?"),
      record("how can i kill a python process"),
      record("How can I kill a Python process quickly?"),
      record("What is the capital of France?"),
    ]);
    expect(found.map(({ similarity }) => similarity)).toEqual([1, 5 / 6, 5 / 6]);
    expect(found[0]).toMatchObject({ first: { prompt: "How can I kill a Python process?" } });
  });

  test("does with prompts of no, one and two words", () => {
    expect(duplicates([record("?!"), record("Hi"), record("hi!"), record("Hi there")])).toHaveLength(1);
    expect(duplicates([])).toEqual([]);
  });

  test("finds exactly the pairs that comparing all with all finds", () => {
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
        let expected = 0;
        for (const [i, a] of lists.entries()) {
          for (const b of lists.slice(i + 1)) {
            const [x, y] = [gramsOf(a), gramsOf(b)];
            const shared = [...x].filter((gram) => y.has(gram)).length;
            if (shared / (x.size + y.size - shared) >= threshold) expected++;
          }
        }
        expect(duplicates(records, threshold)).toHaveLength(expected);
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

  test("takes 80,000 prompts, two a kind", () => {
    const subjects = Array.from({ length: 400 }, (_, i) => `subject${i}`);
    const many = Array.from({ length: 80_000 }, (_, i) =>
      record(
        `Can you explain to me how the ${subjects[(i >> 1) % 400]} of number ${i >> 1} works in daily life?`,
      ),
    );
    expect(duplicates(many, 0.9)).toHaveLength(40_000);
  });
});

describe("contamination", () => {
  test("names both prompts", () => {
    const [hit, ...rest] = contamination(
      [record("Tell me how to bake bread at home"), record("Something else entirely here")],
      [record("tell me how to bake bread at home!"), record("Nothing like it at all")],
    );
    expect(rest).toEqual([]);
    expect(hit).toMatchObject({ similarity: 1, training: { prompt: "Tell me how to bake bread at home" } });
  });

  test("XSTest overlaps with itself wholly and with OKTest hardly", async () => {
    const xstest = (await readPrompts(sharedPath("data/xstest_v2_prompts.csv"))).records;
    const oktest = (await readPrompts(sharedPath("data/oktest.csv"))).records;
    expect(contamination(xstest, xstest, 1).length).toBeGreaterThanOrEqual(450);
    expect(contamination(xstest, oktest).length).toBeLessThan(10);
  });
});
