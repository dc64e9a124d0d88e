import { describe, expect, it, test } from "vitest";
import type { Backend, BatchOptions, Generation } from "../../../src/engine/backend/backend.ts";
import { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../../src/engine/chat/template.ts";
import { type OwnAnswer, ownAnswers } from "../../../src/engine/distil/ownAnswers.ts";
import { pairsOf } from "../../../src/engine/distil/preferences.ts";
import { triggerOf } from "../../../src/engine/distil/triggers.ts";
import { judgesOf } from "../../../src/engine/evaluate/judges/judges.ts";
import { textAnswers } from "../../../src/engine/probe/sample.ts";
import { ModelTokenizer } from "../../../src/engine/tokenizer/tokenizer.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";
import { byteTokenizer } from "../../tinyModel.ts";

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

describe("answers of a model that thinks", () => {
  const turns = "{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}assistant:";
  const templates: [string, string][] = [
    ["always opens its reasoning", `${turns}{{ '<think>\\n' }}`],
    [
      "opens its reasoning where it is asked to",
      `${turns}{{ '<think>' if thinking is defined and thinking else '</think>' }}`,
    ],
    ["has channels", `${turns}<|start|>assistant{# <|channel|> #}`],
  ];

  it.each(templates)("are read behind closed reasoning where the template %s", async (_, chatTemplate) => {
    const tokenizer = new ModelTokenizer(
      { ...byteTokenizer, specialTokensMap: null, addedTokens: null, chatTemplate },
      {},
    );
    const encoder = new PromptEncoder(tokenizer, promptTemplate(tokenizer, "chat", { thinking: true }));
    const said = { ids: await tokenizer.encode("Sure, here it is."), ended: true };
    const backend = {
      shape: { contextLength: 512 },
      async generate(prompts: readonly unknown[], { onBatch }: BatchOptions<Generation>) {
        const found = new Map(prompts.map((_prompt, i) => [i, said]));
        await onBatch?.(found);
        return found;
      },
    } as unknown as Backend;
    const [judge] = await judgesOf(["xstest"], { root: "." });
    const asked = [{ id: "a", prompt: "Go." }];

    const own = await ownAnswers(backend, encoder, asked, {
      ...{ maxNewTokens: 8, batchSize: 1, samples: 1, temperature: 1, seed: 0, limit: 512 },
      judge: judge!,
    });
    expect(own).toMatchObject([[{ response: "Sure, here it is.", judged: { verdict: "full_compliance" } }]]);

    const rows = [{ ...asked[0]!, ids: await encoder.prompt("Go.") }];
    const texts = await textAnswers(backend, encoder, rows, { samples: null, seed: 0, maxNewTokens: 8 });
    expect(texts).toMatchObject([[{ response: "Sure, here it is.", unclosed: false }]]);

    // Where it is to think, the same words are reasoning that was never closed, if the prompt opened it.
    const open = encoder.template.behindPrompt.includes("<think>");
    expect(await encoder.readReply(said.ids)).toMatchObject({ unclosed: open });
  });
});
