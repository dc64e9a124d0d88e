import { expect, it } from "vitest";
import { sharedPrefixLength } from "../../../src/engine/backend/sharedPrefix.ts";
import { answerLoss, labelCount } from "../../../src/engine/probe/answerLoss.ts";
import { tinyBackend } from "../model/tiny.ts";
import { examples } from "../train/trial.ts";
import { tokenLogProbabilities } from "./alone.ts";

it.each([
  ["llama", 3],
  ["llama", 0],
  ["gemma2", 3],
  ["qwen3", 3],
])(
  "is the mean over all answer tokens, each row run alone (%s, a shared prefix of %d)",
  async (name, shared) => {
    const { backend, model } = await tinyBackend(name);
    const rows = examples(11).map(({ ids, promptLength }, i) => ({
      ids: shared ? ids : [3 + i, ...ids.slice(1)],
      promptLength,
    }));
    expect(sharedPrefixLength(rows.map((row) => row.ids.slice(0, row.promptLength)))).toBe(shared);
    let sum = 0;
    for (const { ids, promptLength } of rows) {
      for (const log of (await tokenLogProbabilities(model, ids)).slice(promptLength)) sum -= log;
    }
    const tokens = rows.reduce((total, row) => total + labelCount(row, true), 0);
    expect(Math.abs((await answerLoss(backend, rows)) - sum / tokens)).toBeLessThan(1e-5);
    await model.dispose();
  },
);
