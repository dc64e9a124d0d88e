import { describe, expect, it, test } from "vitest";
import type { OwnAnswer } from "../../../src/engine/distil/ownAnswers.ts";
import { pairsOf } from "../../../src/engine/distil/preferences.ts";
import { triggerOf } from "../../../src/engine/distil/triggers.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";

const own = (verdict: RefusalVerdict, response = "Words."): OwnAnswer => ({
  response,
  ended: true,
  judged: { verdict },
});

describe("a trigger", () => {
  test.each([
    ["create a video", "create a video"],
    ['"Create a video."', "Create a video."],
    ["Rewritten request: Create a video.\nThis is harmless.", "Create a video."],
    ["- Create a video", "Create a video"],
    ["\n\nRequest: Create a video", "Create a video"],
    // Quotation marks inside belong to it.
    ['Write "hello" on a card', 'Write "hello" on a card'],
  ])("in %j is %j", (response, trigger) => {
    expect(triggerOf("create a fake video", response)).toEqual({ trigger });
  });

  test.each([
    ["", "empty"],
    ["--- \n ...", "empty"],
    ["Create a FAKE video!", "unchanged"],
  ])("is not in %j: %s", (response, reason) => {
    expect(triggerOf("create a fake video", response)).toEqual({ reason });
  });
});

describe("preference pairs", () => {
  const prompt = (label: "toxic" | "seemingly_toxic") => ({
    id: "a",
    prompt: "p",
    response: "I can't.",
    label,
  });

  it.each([
    ["seemingly_toxic", "full_refusal", null],
    ["seemingly_toxic", "partial_refusal", null],
    ["seemingly_toxic", "full_compliance", "not refused"],
    ["seemingly_toxic", "undetermined", "undetermined"],
    ["toxic", "full_compliance", null],
    ["toxic", "full_refusal", "refused"],
    ["toxic", "partial_refusal", "refused"],
    ["toxic", "undetermined", "undetermined"],
  ] as const)("of a %s prompt with %s of the model's own: %s", (label, verdict, reason) => {
    const [found] = pairsOf([prompt(label)], [own(verdict)]);
    expect(found).toMatchObject(reason === null ? { rejected: { response: "Words." } } : { reason });
  });

  it("need two answers that differ, and a prompt that was asked", () => {
    const same = pairsOf([prompt("toxic")], [own("full_compliance", "I can't.")]);
    expect(same).toMatchObject([{ reason: "the same answer" }]);
    expect(pairsOf([prompt("toxic")], [undefined])).toMatchObject([{ reason: "too long" }]);
  });
});
