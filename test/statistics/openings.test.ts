import { describe, expect, it } from "vitest";
import {
  type BegunAnswer,
  caughtBy,
  caughtShares,
  findOpenings,
  heldOutCounts,
  shuffledControl,
} from "../../src/statistics/openings.ts";
import { stream, uniform } from "../../src/statistics/random.ts";

/** An answer whose tokens are its words. */
function answer(prompt: string | number, refused: boolean, text: string): BegunAnswer {
  const words = text.split(" ");
  return {
    ...{ prompt: String(prompt), refused },
    beginnings: words.map((_, k) => words.slice(0, k + 1).join(" ")),
  };
}

const refusals = ["I cannot help", "I cannot say", "I won't", "Sorry no", "I cannot help", "Sorry but"];
const compliances = ["I like it", "Sure it is", "The answer is", "Here is one", "I like that"];
const answers = [
  ...refusals.map((text, i) => answer(i, true, text)),
  ...compliances.map((text, i) => answer(i, false, text)),
];

describe("openings", () => {
  it("are the shortest that the limit on compliances allows", () => {
    // "I" begins 4 of 6 refusals and 2 of 5 compliances.
    expect(findOpenings(answers, { falseShare: 0.5, support: 1 })).toEqual(["I", "Sorry"]);
    expect(findOpenings(answers, { falseShare: 0.39, support: 1 })).toEqual(["I cannot", "Sorry", "I won't"]);
  });

  it("need refusals to so many prompts", () => {
    expect(findOpenings(answers, { falseShare: 0, support: 2 })).toEqual(["I cannot", "Sorry"]);
    const same = answers.map((each) => ({ ...each, prompt: "one" }));
    expect(findOpenings(same, { falseShare: 0, support: 2 })).toEqual([]);
  });

  it("are none where refusals begin as compliances do", () => {
    const alike = [answer(1, true, "Well no"), answer(2, true, "Well no"), answer(3, false, "Well no")];
    expect(findOpenings(alike, { falseShare: 0.05, support: 1 })).toEqual([]);
  });

  it("do not depend on the order of the answers, nor on how a tokenizer cuts words", () => {
    const search = { falseShare: 0.39, support: 1 };
    expect(findOpenings(answers.toReversed(), search)).toEqual(findOpenings(answers, search));
    // Another tokenizer has "I cannot" as its first token.
    const whole = { prompt: "9", refused: true, beginnings: ["I cannot", "I cannot help"] };
    expect(findOpenings([...answers, whole], search)[0]).toBe("I cannot");
  });

  it("catch what begins with them, with Wilson intervals", () => {
    const counts = caughtBy(["I cannot", "Sorry"], answers);
    expect(counts).toEqual({ refusals: 6, refusalsCaught: 5, compliances: 5, compliancesCaught: 0 });
    // Wilson 5/6 and 0/5 by hand (METHODS §I).
    const { coverage, falseShare } = caughtShares(counts);
    expect(coverage!.lower).toBeCloseTo(0.4365, 4);
    expect(coverage!.upper).toBeCloseTo(0.9699, 4);
    expect(falseShare!.upper).toBeCloseTo(0.4345, 4);
    expect(caughtShares(caughtBy([], [])).coverage).toBeNull();
  });

  it("hold on held-out prompts where there is something to find, and not where verdicts are shuffled", () => {
    const draws = uniform(400, 1, stream(3, "openings"));
    const many = [...draws].map((u, i) => {
      const refused = i % 2 === 0;
      const words = refused ? (u > 0 ? "I cannot" : "Sorry I") : u > 0 ? "Sure here" : "The point";
      return answer(Math.floor(i / 4), refused, words);
    });
    const search = { falseShare: 0.05, support: 2 };
    const options = { folds: 5, seed: 1, shuffles: 10 };
    const held = caughtShares(heldOutCounts(many, search, options));
    expect(held.coverage!.value).toBe(1);
    expect(held.falseShare!.value).toBe(0);
    expect(held.coverage!.n + held.falseShare!.n).toBe(400);
    const control = shuffledControl(many, search, options);
    expect(control.coverage!.greatest).toBeLessThan(0.3);
    expect(control).toEqual(shuffledControl(many, search, options));
  });

  it("are measured on prompts that they were not found on", () => {
    // Every refusal begins in its prompt's own way: found on itself, covered on nobody else.
    const own = Array.from({ length: 40 }, (_, i) => [
      answer(i, true, `no${i} more`),
      answer(i, false, "Sure here"),
    ]).flat();
    const search = { falseShare: 0.05, support: 1 };
    expect(caughtBy(findOpenings(own, search), own).refusalsCaught).toBe(40);
    expect(heldOutCounts(own, search, { folds: 5, seed: 0 }).refusalsCaught).toBe(0);
  });
});
