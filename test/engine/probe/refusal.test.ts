import { describe, expect, it } from "vitest";
import { logOdds, RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { spellings } from "../../../src/engine/probe/tokenTrie.ts";
import { tinyBackend } from "../model/tiny.ts";
import { tokenLogProbabilities } from "./alone.ts";

/** Single characters as tokens, within the 160 of the tiny models. */
const encode = (text: string) => [...text].map((c) => 3 + (c.charCodeAt(0) % 150));
/** "no" contains "nope"; "I c" opens two; one token; one with an apostrophe. */
const openings = ["no", "nope", "I can", "I cry", "x", "I'm"];
const encoded = openings.flatMap(spellings).map(encode);
const system = [3, 9, 27, 81, 11];
/** Of lengths 6 to 22: longer and shorter than a window of 8 tokens. */
const prompts = Array.from({ length: 11 }, (_, i) => [
  ...system,
  ...Array.from({ length: 1 + ((7 * i) % 17) }, (_, t) => 20 + ((13 * i + 5 * t) % 100)),
]);

describe.each(["llama", "gemma2", "olmo2", "mistral", "granite", "smollm3"])("on %s", (name) => {
  it("is the sum of every opening's probability, each run alone", async () => {
    const { backend, model } = await tinyBackend(name);
    const scores = await new RefusalScorer(backend, encoded).score(prompts);
    const spelled = openings.flatMap(spellings);
    const kept = spelled.filter((text) => !spelled.some((other) => other !== text && text.startsWith(other)));
    for (const [i, prompt] of prompts.entries()) {
      let expected = 0;
      for (const text of kept) {
        const ids = [...prompt, ...encode(text)];
        const logs = (await tokenLogProbabilities(model, ids)).slice(prompt.length);
        expected += Math.exp(logs.reduce((sum, log) => sum + log, 0));
      }
      expect(Math.abs(scores[i].probability - expected)).toBeLessThan(1e-6);
      expect(scores[i].logOdds).toBe(logOdds(scores[i].probability));
    }
    expect(new Set(scores.map(({ probability }) => probability.toFixed(9))).size).toBeGreaterThan(5);
    await model.dispose();
  });

  it("does not depend on what else is scored, nor on the order", async () => {
    const { backend, model } = await tinyBackend(name);
    const scorer = new RefusalScorer(backend, encoded);
    const together = (await scorer.score(prompts)).map(({ probability }) => probability);
    const reversed = (await scorer.score(prompts.toReversed())).map(({ probability }) => probability);
    const [alone] = await scorer.score([prompts[4]]);
    for (const [i, probability] of together.entries()) {
      expect(Math.abs(reversed[prompts.length - 1 - i] - probability)).toBeLessThan(1e-6);
    }
    expect(Math.abs(alone.probability - together[4])).toBeLessThan(1e-6);
    await model.dispose();
  });
});

it("scores nothing without prompts", async () => {
  const { backend, model } = await tinyBackend("llama");
  expect(await new RefusalScorer(backend, encoded).score([])).toEqual([]);
  await model.dispose();
});

it("has finite log-odds at both ends", () => {
  expect(logOdds(0)).toBeCloseTo(Math.log(1e-8), 6);
  expect(logOdds(1)).toBeCloseTo(-Math.log(1e-8), 6);
  expect(logOdds(0.5)).toBe(0);
});
