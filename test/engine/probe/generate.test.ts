import { beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import { generate } from "../../../src/engine/probe/generate.ts";
import { tinyBackend } from "../model/tiny.ts";

let backend: Backend;
beforeAll(async () => {
  ({ backend } = await tinyBackend("qwen3"));
});

const prompts = [[5, 6, 7], [8], [5, 9, 10, 11]];

describe("generate", () => {
  it("fills the context to its last token, and refuses a prompt that leaves no room", async () => {
    const { contextLength } = backend.shape;
    const long = Array.from({ length: contextLength - 2 }, (_, i) => 3 + (i % 90));
    const [answer] = await generate(backend, [long], { maxNewTokens: 2, eosIds: [] });
    expect(answer.ids).toHaveLength(2);
    const [short, cut] = await generate(backend, [[5], long], { maxNewTokens: 3, eosIds: [] });
    expect([short.ids.length, cut]).toEqual([3, { ids: answer.ids, ended: false }]);
    const full = [...long, 3, 4];
    await expect(generate(backend, [[5], full], { maxNewTokens: 3, eosIds: [] })).rejects.toMatchObject({
      code: "prompt-too-long",
      message: expect.stringMatching(/^Prompt 2 has 256 tokens.*context holds 256/),
    });
  });

  it("leaves out the token that ends an answer, even the first", async () => {
    const free = await generate(backend, prompts, { maxNewTokens: 1, eosIds: [] });
    const eosIds = [free[1].ids[0]];
    const [, answer] = await generate(backend, prompts, { maxNewTokens: 4, eosIds });
    expect(answer).toEqual({ ids: [], ended: true });
  });

  it("answers nothing where there is nothing to answer", async () => {
    expect(await generate(backend, [], { maxNewTokens: 4, eosIds: [] })).toEqual([]);
    const none = await generate(backend, prompts, { maxNewTokens: 0, eosIds: [] });
    expect(none).toEqual(prompts.map(() => ({ ids: [], ended: false })));
  });

  it("stops between two tokens when it is told to", async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => {
      if (done === 1) stop.abort(new Error("enough"));
    };
    const [first] = await generate(backend, [prompts[0]], { maxNewTokens: 1, eosIds: [] });
    const options = { maxNewTokens: 9, eosIds: first.ids, onProgress };
    const work = backend.interruptible(
      () => stop.signal.throwIfAborted(),
      () => generate(backend, prompts, options),
    );
    await expect(work).rejects.toThrow("enough");
  });
});
