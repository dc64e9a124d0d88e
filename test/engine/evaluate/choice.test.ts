import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChoiceItem } from "../../../src/dataset/choices.ts";
import { answerChoices, encodeAnswer, questionsOf } from "../../../src/engine/evaluate/choice.ts";
import type { Kept } from "../../../src/engine/probe/kept.ts";
import { openSession, type Session } from "../../../src/engine/session/session.ts";
import type { ChoiceSuite } from "../../../src/recipe/suites.ts";
import { writeTinyModel } from "../../tinyModel.ts";

const item = (i: number, own: Partial<ChoiceItem> = {}): ChoiceItem => ({
  ...{ id: `q${i}`, question: `How many legs have ${i} hens?`, choices: ["none", `${2 * i}`, `${2 * i}0`] },
  ...{ answer: 1, category: i % 4 ? "birds" : "us_history", source: "own.jsonl", line: i + 1 },
  ...own,
});
const suite = (own: Partial<ChoiceSuite> = {}): ChoiceSuite => ({
  ...{ task: "choice", name: "own", id: "own", shots: 0, examples: [], notices: [] },
  reading: {
    ...{ question: "question", trim: false, choices: "choices", answer: "answer", scored: "text" },
    ...{ prompt: "Question: {question}\nAnswer:", description: "About {category}.\n\n" },
  },
  items: Array.from({ length: 24 }, (_, i) => item(i)),
  ...own,
});

describe("choices of questions", () => {
  let session: Session;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "discern-choices-"));
    const model = await writeTinyModel(folder);
    session = await openSession({ model, root: ".", device: "cpu", threads: 1, template: "chat" });
  });
  afterAll(async () => {
    await session.backend.dispose();
    await rm(folder, { recursive: true });
  });
  const answered = (of: ChoiceSuite, kept?: Kept<number[]>) =>
    answerChoices(session.backend, session.tokenizer, of, kept ? { kept } : {});

  /** Σ log p of a text behind another by the losses of the backend, cut on the left to what the context holds. */
  async function directly(context: string, answer: string): Promise<number> {
    const { tokenizer, backend } = session;
    const [head, whole] = [await tokenizer.encode(context), await tokenizer.encode(context + answer)];
    const ids = whole.slice(-(backend.shape.contextLength + 1));
    const promptLength = ids.length - (whole.length - head.length);
    if (ids.length <= backend.shape.contextLength) {
      return -(await backend.losses([{ ids, promptLength }]))[0]!.loss;
    }
    const logs = await backend.nextTokens(
      Array.from({ length: ids.length - promptLength }, (_, t) => ids.slice(0, promptLength + t)),
    );
    return [...logs].reduce((sum, [t, each]) => sum + each[ids[promptLength + t]!]!, 0);
  }

  it("have the likelihood of their tokens behind the question", async () => {
    const { choices = [] } = await answered(suite());
    for (const i of [0, 5, 23]) {
      const { logLikelihoods, characters, category, gold } = choices[i]!;
      expect(category).toBe(i % 4 ? "birds" : "us_history");
      expect([gold, characters]).toEqual([1, item(i).choices.map(({ length }) => length)]);
      const context = `About ${i % 4 ? "birds" : "us history"}.\n\nQuestion: ${item(i).question}\nAnswer:`;
      for (const [k, choice] of item(i).choices.entries()) {
        expect(logLikelihoods[k]).toBeCloseTo(await directly(context, ` ${choice}`), 3);
      }
    }
  });

  it("come after worked examples, which run once for a category of many questions", async () => {
    const examples = ["birds", "us_history"].flatMap((category) =>
      [90, 91, 92].map((i) => item(i, { category })),
    );
    const whole = suite({ shots: 2, examples });
    const { choices = [] } = await answered(whole);
    const questions = questionsOf(whole);
    expect(questions[1]!.context).toBe(
      "About birds.\n\nQuestion: How many legs have 90 hens?\nAnswer: 180\n\n" +
        "Question: How many legs have 91 hens?\nAnswer: 182\n\nQuestion: How many legs have 1 hens?\nAnswer:",
    );
    for (const i of [1, 4]) {
      const { context, answers } = questions[i]!;
      for (const [k, answer] of answers.entries()) {
        expect(choices[i]!.logLikelihoods[k]).toBeCloseTo(await directly(context, ` ${answer}`), 3);
      }
    }
    expect(() => questionsOf(suite({ shots: 4, examples }))).toThrow(/4 worked examples.*has 3.*us_history/);
  });

  it("are cut on the left where they are too long, each by its own length", async () => {
    const long = item(3, {
      question: `What ${"rather, ".repeat(80)}lays eggs?`,
      choices: ["hen", "a long dog"],
    });
    const { choices = [], leftOut } = await answered(suite({ items: [item(1), long] }));
    expect(leftOut).toEqual([]);
    const context = `About birds.\n\nQuestion: ${long.question}\nAnswer:`;
    expect((await session.tokenizer.encode(context)).length).toBeGreaterThan(512);
    for (const [k, choice] of long.choices.entries()) {
      expect(choices[1]!.logLikelihoods[k]).toBeCloseTo(await directly(context, ` ${choice}`), 3);
    }
  });

  it("are left out where a choice alone is longer than the context, and refused where all are", async () => {
    const endless = item(2, { choices: ["hen", "dog ".repeat(200)] });
    const { choices = [], leftOut } = await answered(suite({ items: [endless, item(1)] }));
    expect(choices.map(({ id }) => id)).toEqual(["q1"]);
    expect(leftOut).toMatchObject([
      { id: "q2", reason: expect.stringMatching(/choice B of line 3.*801 tokens.*512/) },
    ]);
    await expect(answered(suite({ items: [endless] }))).rejects.toMatchObject({ code: "dataset-empty" });
  });

  it("are resumed with the batch at which they were cut off", async () => {
    const whole = await answered(suite());
    const known = new Map<number, number[]>();
    const keeping: Kept<number[]> = {
      known: (i) => known.get(i),
      async keep(found) {
        for (const [i, sums] of found) known.set(i, sums);
      },
    };
    const cut = () => {
      if (known.size > 0) throw new Error("cut off");
    };
    await expect(session.backend.interruptible(cut, () => answered(suite(), keeping))).rejects.toThrow(
      "cut off",
    );
    const before = known.size;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(24);
    const first = new Map(known);
    let again = 0;
    const resumed = await answered(suite(), {
      ...keeping,
      async keep(found) {
        again += found.filter(([i]) => first.has(i)).length;
      },
    });
    expect(again).toBe(0);
    expect(resumed).toEqual(whole);
  });

  it("take the white space at a context's end into their tokens", async () => {
    const { tokenizer } = session;
    const { context, answer } = await encodeAnswer(tokenizer, "It is \n", " so");
    expect([await tokenizer.decode(context), await tokenizer.decode(answer)]).toEqual(["It is", " \n so"]);
    // Without a context the token that begins texts stands for it.
    expect((await encodeAnswer(tokenizer, "", " so")).context).toEqual([tokenizer.bosId]);
  });
});
