import { join } from "node:path";
import { expect, test } from "vitest";
import { type PromptRecord, promptId } from "../../../src/dataset/record.ts";
import { answerSuites } from "../../../src/engine/evaluate/answers.ts";
import { openSession, releaseModel } from "../../../src/engine/session/session.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";

test("a suite of pairwise comparisons is answered without labels, and its reference answers are kept beside the model's", async () => {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"));
  const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
  const record = (prompt: string, line: number, response?: string): PromptRecord => ({
    ...{ id: promptId(prompt), prompt, line, source: "pairs.json" },
    ...(response !== undefined && { response }),
  });
  const ask = (records: PromptRecord[]) =>
    answerSuites(session.backend, session.encoder, [{ name: "pairs", task: "pairwise", records }], {
      ...{ openings: ["I cannot"], maxNewTokens: 4, batchSize: 2 },
    });
  const { results } = await ask([
    record("Name a river.", 1, "The Rhine."),
    record("Name a hill.", 2),
    record("Name a lake.", 3, " "),
  ]);
  expect(results).toHaveLength(1);
  expect(results[0]).toMatchObject({ suite: "pairs", unsafe: false, reference: "The Rhine.", verdicts: {} });
  await expect(ask([record("Name a hill.", 1)])).rejects.toThrow(
    /None of the 1 instructions .* reference answer/,
  );
  await releaseModel(session);
});
