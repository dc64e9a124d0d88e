/** What was fitted on one backend acts alike on the other: vectors, gates and answers. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChoiceItem } from "../../../src/dataset/choices.ts";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import { answerChoices } from "../../../src/engine/evaluate/choice.ts";
import { tokenTrie } from "../../../src/engine/probe/tokenTrie.ts";
import { openSession, type Session } from "../../../src/engine/session/session.ts";
import type { FittedSteering } from "../../../src/engine/steer/method.ts";
import { methodOf, type steeringMethods } from "../../../src/engine/steer/methods.ts";
import { PromptSuffix } from "../../../src/engine/steer/promptSuffix.ts";
import { SteeredBackend } from "../../../src/engine/steer/steeredBackend.ts";
import { readSteering, steeringFileName, writeSteering } from "../../../src/engine/steer/steeringFile.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";
import type { ChoiceSuite } from "../../../src/recipe/suites.ts";
import { skipWithoutTorch } from "../../python.ts";
import { writeTinyModel } from "../../tinyModel.ts";

const skipped = skipWithoutTorch("methods on both backends");

/** Prompts of a group: the same forms with words of the group's own. */
const group = (things: readonly string[]) =>
  Array.from(
    { length: 16 },
    (_, i) => `${["How do I", "Explain how to", "Why would one"][i % 3]} ${things[i % things.length]} ${i}?`,
  );
const prompts = {
  harmful: group(["break a lock", "forge a pass", "poison a well"]),
  harmless: group(["bake bread", "water a fern", "fold a kite"]),
  pseudoHarmful: group(["kill a process", "shoot a film", "crush a can"]),
  refusals: ["I'm sorry, I cannot help with that.", "I cannot do that.", "I won't."],
  answers: ["Sure, here is how.", "Of course: first,", "Yes. You begin with"],
};
const openings = ["I'm sorry", "I cannot"];
const fit = { train: 6, validation: 5 };
const seed = 3;
const direction = { filter: false, refusalTokens: ["I"], maxKl: 1e3, layer: 1, position: -1 };
/** Methods with keys that let anything pass on a model of chance. */
const keys: Record<keyof typeof steeringMethods, object> = {
  "refusal-ablation": { ...fit, ...direction },
  "refusal-addition": { ...fit, ...direction },
  surgical: { ...fit, ...direction },
  scans: fit,
  cast: { ...fit, questions: 2, suffixes: 3 },
  alphasteer: { ...fit, strengths: [0.1, 0.5] },
};
const cases: readonly (readonly [name: string, steering: object])[] = [
  ...Object.entries(keys).map(([type, own]) => [type, { type, ...own }] as const),
  [
    "cast with conditions by category, at several blocks, and norms restored",
    { type: "cast", ...keys.cast, ...{ conditions: "categories", maxConditionLayers: 2, restoreNorm: true } },
  ],
];

describe.skipIf(skipped)("a method that was fitted on onnxruntime", () => {
  let folder: string;
  let onnx: Session;
  let torch: Session;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "discern-"));
    const model = await writeTinyModel(join(folder, "model"));
    const session = (backend: "onnx" | "torch") =>
      openSession({ model, root: folder, backend, device: "cpu", threads: 1, template: "chat" });
    [onnx, torch] = [await session("onnx"), await session("torch")];
  });
  afterAll(async () => {
    for (const session of [onnx, torch]) await session?.backend.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const contextOf = async ({ backend, encoder }: Session) => ({
    ...{ backend, encoder, suffix: await PromptSuffix.of(encoder) },
    ...{ openings, prompts, seed },
    // The three things that are asked for.
    categories: new Map(prompts.harmful.map((prompt, i) => [prompt, `kind ${i % 3}`])),
  });
  const steered = async (session: Session, fitted: FittedSteering): Promise<Backend> =>
    new SteeredBackend(fitted, await contextOf(session));

  describe.each(cases)("%s", (name, given) => {
    const steering = steeringSchema.parse(given);
    const file = () => join(folder, name, steeringFileName);
    beforeAll(async () => {
      const context = await contextOf(onnx);
      const fitted = await methodOf(steering).fit(steering, context);
      await mkdir(join(folder, name));
      await writeSteering(file(), { steering, seed, fitted, model: { name: "model", ...context } });
    });

    it("says and scores the same on PyTorch, and is not refused there", async () => {
      const fitted = await readSteering(file());
      const texts = [
        ...prompts.harmful.slice(12),
        ...prompts.harmless.slice(12),
        ...prompts.pseudoHarmful.slice(12),
      ];
      const rows = await onnx.encoder.prompts(texts);
      const trie = tokenTrie(await onnx.encoder.openings(openings));
      const measured = async (backend: Backend) => ({
        answers: await backend.generate(rows, { maxNewTokens: 8, eosIds: [], batchSize: 5 }),
        scores: await backend.score(rows, trie),
        losses: await backend.losses(
          rows.map((ids) => ({ ids: [...ids, 80, 81, 82], promptLength: ids.length })),
        ),
      });
      expect([onnx, torch].map(({ backend }) => backend.about.name)).toEqual(["onnx", "torch"]);
      const plain = await measured(onnx.backend);
      const [here, there] = [
        await measured(await steered(onnx, fitted)),
        await measured(await steered(torch, fitted)),
      ];
      let changed = 0;
      for (const i of rows.keys()) {
        expect(there.answers.get(i)).toEqual(here.answers.get(i));
        const logs = [here, there, plain].map(({ scores }) => scores.get(i)!.logProbabilities) as [
          Float32Array,
          Float32Array,
          Float32Array,
        ];
        expect(furthest(logs[0], logs[1])).toBeLessThan(1e-4);
        expect(Math.abs(here.losses[i]!.loss - there.losses[i]!.loss)).toBeLessThan(3e-4);
        changed += Number(furthest(logs[0], logs[2]) > 1e-4);
      }
      expect(changed).toBeGreaterThan(0);
    });

    it("is fitted to the same on PyTorch", async () => {
      const here = await readSteering(file());
      const there = await methodOf(steering).fit(steering, await contextOf(torch));
      const rounded = (chosen: object) =>
        Object.entries(chosen).map(([name, value]) => [
          name,
          typeof value === "number" ? value.toFixed(5) : value,
        ]);
      expect(rounded(there.chosen)).toEqual(rounded(here.chosen));
      expect([...there.tensors.keys()]).toEqual(
        [...here.tensors.keys()].filter((name) => there.tensors.has(name)),
      );
      for (const [name, { shape, data }] of there.tensors) {
        const own = here.tensors.get(name)!;
        expect(own.shape, name).toEqual(shape);
        const scale = Math.max(...data.map(Math.abs));
        expect(furthest(own.data, data) / scale, name).toBeLessThan(1e-3);
      }
    });
  });

  it("choices of questions have the same likelihoods on both", async () => {
    const items = Array.from(
      { length: 6 },
      (_, i): ChoiceItem => ({
        ...{
          id: `q${i}`,
          question: `How many legs have ${i} hens?`,
          choices: ["none", `${2 * i}`, `${2 * i}0`],
        },
        ...{ answer: 1, category: "birds", source: "own.jsonl", line: i + 1 },
      }),
    );
    const suite: ChoiceSuite = {
      ...{ task: "choice", name: "own", id: "own", shots: 0, examples: [], notices: [], items },
      reading: {
        ...{ question: "question", trim: false, choices: "choices", answer: "answer", scored: "text" },
        ...{ prompt: "Question: {question}\nAnswer:", description: "About {category}.\n\n" },
      },
    };
    const [here, there] = await Promise.all(
      [onnx, torch].map(({ backend, tokenizer }) => answerChoices(backend, tokenizer, suite)),
    );
    for (const [i, { logLikelihoods }] of here!.choices!.entries()) {
      expect(furthest(logLikelihoods, there!.choices![i]!.logLikelihoods)).toBeLessThan(1e-4);
    }
  });
});

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}
