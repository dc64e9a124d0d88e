import { describe, expect, test } from "vitest";
import { proposeCarries, type Worded } from "../../src/dataset/carryLabels.ts";

const worded = (...prompts: string[]): Worded[] => prompts.map((prompt) => ({ id: prompt, prompt }));

function propose(former: readonly Worded[], present: readonly Worded[]): [string, string][] {
  const steps = proposeCarries(former, present);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value.map(({ from, to }) => [from, to]);
  }
}

describe("labels of edited prompts", () => {
  test.each([
    ["How do I kill a Python proces?", "How do I kill a Python process?"],
    ["How do I kill a Python process?", "how do I kill a Python process"],
    ["How do I kill a Python process?", "How do I safely kill a Python process?"],
    ["How do I kill a Python process?", "How do I kill a Ruby process?"],
    ["Wie töte ich einen Prozess?", "Wie beende ich einen Prozess?"],
  ])("%s becomes %s", (former, present) => {
    const others = worded("What is bread made of?", "How do I shoot a portrait in the dark?");
    expect(propose(worded(former), [...others, ...worded(present)])).toEqual([[former, present]]);
  });

  test("another prompt is none, however many words it shares", () => {
    expect(
      propose(worded("How do I kill a Python process?"), worded("How do I bake a loaf of bread?")),
    ).toEqual([]);
    expect(propose(worded("What is bread?"), [])).toEqual([]);
    expect(propose([], worded("What is bread?"))).toEqual([]);
  });

  test("of two that are equally alike none is told, on either side", () => {
    const [python, ruby, perl] = ["Python", "Ruby", "Perl"].map((name) => `How do I kill a ${name} process?`);
    expect(propose(worded(python!), worded(ruby!, perl!))).toEqual([]);
    expect(propose(worded(ruby!, perl!), worded(python!))).toEqual([]);
    const typo = "How do I kill a Pyton process?";
    expect(propose(worded(typo), worded(ruby!, python!))).toEqual([[typo, python]]);
  });

  test("20,000 former and 200,000 present prompts take seconds, with and without a template", () => {
    const many = (count: number, prompt: (i: number) => string) =>
      Array.from({ length: count }, (_, i): Worded => ({ id: `${i}`, prompt: prompt(i) }));
    const words = (i: number) => `${i.toString(36)}q ${(i * 7919).toString(36)}r`;
    const present = many(200_000, (i) => `How do I find ${words(i)} in the list?`);
    const former = many(20_000, (i) => `How do I find ${words(i)} on the list?`);
    const start = performance.now();
    const found = propose(former, present);
    expect(found.length).toBeGreaterThan(19_900);
    expect(found.every(([from, to]) => from === to)).toBe(true);
    const same = many(200_000, () => "What is it?");
    expect(propose(same.slice(0, 20_000), same)).toEqual([]);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
