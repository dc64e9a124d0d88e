import { expect, test } from "vitest";
import { type Call, type Found, Questions } from "../../../src/extension/playground/question.ts";
import type { PlaygroundSubject, Side } from "../../../src/protocol/webview/playground.ts";

const model = (label: string): PlaygroundSubject => ({ kind: "model", label, base: label, adapters: [] });
const [left, right, other] = [model("left"), model("right"), model("other")];

/** Asks as the panel does, of an engine that knows each model by its name. */
function panel() {
  const questions = new Questions();
  const called: string[] = [];
  let posted: [Side, Found][] = [];
  const call: Call = async (_, { label }, doing, { texts, maxNewTokens }) => {
    called.push(`${label}: ${doing}`);
    if (label === "broken") throw new Error("It is broken.");
    return {
      scores: texts.map((text, i) => (text.length > 100 ? null : 0.5 - i / 10)),
      openings: [],
      answer:
        maxNewTokens === undefined
          ? null
          : { response: `${label} ${maxNewTokens}`, ended: maxNewTokens > 64 },
      keptMs: 0,
    };
  };
  return {
    async ask(
      text: string,
      maxNewTokens: number | null,
      subjects: [PlaygroundSubject | null, PlaygroundSubject | null] = [left, right],
      signal = new AbortController().signal,
    ) {
      called.length = 0;
      posted = [];
      const post = (side: Side, found: Found) => void posted.push([side, found]);
      const wordFailure = (error: unknown) => (error as Error).message;
      await questions.ask({ text, maxNewTokens }, subjects, { call, post, signal, wordFailure });
      return { called: [...called], posted };
    },
  };
}
const types = (posted: [Side, Found][]) => posted.map(([side, { type }]) => `${side} ${type}`);

test("an answer to a prompt that has been scored asks for the answer alone, and before what words do", async () => {
  const { ask } = panel();
  const scored = await ask("Kill it", null);
  expect(scored.called).toEqual([
    "left: Scoring",
    "right: Scoring",
    "left: Scoring without each word",
    "right: Scoring without each word",
  ]);
  const answered = await ask("Kill it", 64);
  expect(answered.called).toEqual(["left: Writing", "right: Writing"]);
  expect(types(answered.posted)).toEqual([
    "0 score",
    "0 words",
    "1 score",
    "1 words",
    "0 answer",
    "1 answer",
  ]);
  // The same again is known; other words are not.
  expect((await ask("Kill it", 64)).called).toEqual([]);
  const anew = await ask("Kill it now", 64);
  expect(anew.called.map((each) => each.replace(/^.*: /, ""))).toEqual([
    ...["Scoring", "Scoring", "Writing", "Writing"],
    ...["Scoring without each word", "Scoring without each word"],
  ]);
});

test("a change of one side asks nothing of the other, whose answer stays", async () => {
  const { ask } = panel();
  await ask("Kill it", 64);
  const { called, posted } = await ask("Kill it", null, [left, other]);
  expect(called).toEqual(["other: Scoring", "other: Scoring without each word"]);
  expect(types(posted)).toEqual(["0 score", "0 words", "0 answer", "1 score", "1 words"]);
});

test("a longer answer is asked for where the one that is known was cut off", async () => {
  const { ask } = panel();
  await ask("Kill it", 64, [left, null]);
  expect((await ask("Kill it", 128, [left, null])).called).toEqual(["left: Writing"]);
  // That one ended by itself.
  expect((await ask("Kill it", 256, [left, null])).called).toEqual([]);
  expect((await ask("Kill it", 64, [left, null])).called).toEqual(["left: Writing"]);
});

test("a model that fails is asked nothing more and says why, and a question that was ended keeps nothing", async () => {
  const { ask } = panel();
  const { called, posted } = await ask("Kill it", 64, [model("broken"), right]);
  expect(called.filter((each) => each.startsWith("broken"))).toEqual(["broken: Scoring"]);
  expect(posted).toContainEqual([0, { type: "failed", reason: "It is broken." }]);
  expect((await ask("Shoot it", null, [left, null], AbortSignal.abort())).posted).toEqual([]);
  expect((await ask("Shoot it", null, [left, null])).called).toContain("left: Scoring");
});

test("what words do is not asked of a prompt that is too long", async () => {
  const { ask } = panel();
  const { called, posted } = await ask("Kill ".repeat(50), null, [left, null]);
  expect(called).toEqual(["left: Scoring"]);
  expect(posted).toEqual([[0, { type: "score", probability: null, openings: [] }]]);
});
