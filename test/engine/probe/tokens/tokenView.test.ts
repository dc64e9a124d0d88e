import { join } from "node:path";
import { expect, it } from "vitest";
import type { StateSession } from "../../../../src/engine/probe/definition.ts";
import { align } from "../../../../src/engine/probe/tokens/align.ts";
import { fitDirections, project } from "../../../../src/engine/probe/tokens/directions.ts";
import { tokenView } from "../../../../src/engine/probe/tokens/tokenView.ts";
import { openSession } from "../../../../src/engine/session/session.ts";
import { untrainedState } from "../../../../src/protocol/probe/result.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { writeTinyModel } from "../../../tinyModel.ts";
import { tinyBackend } from "../../model/tiny.ts";
import { measuredOn } from "../measured.ts";

async function tinySession(): Promise<StateSession> {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"));
  const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
  return { ...session, learned: [] };
}

const prompts = Array.from({ length: 12 }, (_, i) => ({
  prompt: i % 2 === 0 ? `How do I harm person ${i} at home?` : `How do I help people ${i} at home?`,
  group: i % 2 === 0 ? ("toxic" as const) : ("seemingly_toxic" as const),
  pair: `pair ${Math.floor(i / 2)}`,
}));

it.each([
  [
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
    3,
  ],
  // What differs stands side by side, and the longer of two gaps decides where the common tokens go on.
  [
    [
      [1, 7, 3],
      [1, 8, 9, 3],
    ],
    [
      [0, 1, 3],
      [0, 1, 2, 3],
    ],
    4,
  ],
  [
    [
      [1, 2],
      [2, 5],
    ],
    [
      [0, 1],
      [1, 2],
    ],
    3,
  ],
  [[[1, 2], [3]], [[0, 1], [0]], 2],
  [[[4, 5, 6]], [[0, 1, 2]], 3],
  [[[], [3]], [[], [0]], 1],
])("aligns %j as %j in %d columns", (sequences, columns, count) => {
  expect(align(sequences)).toEqual({ columns, count });
});

it("the means of the two groups are +1 and −1, controls have the direction's length, and draws are the seed's", async () => {
  const { backend } = await tinyBackend("llama");
  const toxic = Array.from({ length: 40 }, (_, i) => [3, 4, 5, 6 + i]);
  const against = Array.from({ length: 37 }, (_, i) => [3, 9, 8, 60 + i]);
  const fitted = await fitDirections(backend, { toxic, against }, { draws: 3, seed: 5 });
  expect(fitted).toHaveLength(backend.shape.layers);
  const layers = fitted.map((_, k) => k + 1);
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const last = async (ids: readonly number[][]) => backend.features(ids, { layers, pooling: "last" });
  const [ofToxic, ofAgainst] = [await last(toxic), await last(against)];
  for (const [k, at] of fitted.entries()) {
    expect(mean(project(ofToxic.get(k + 1)!.data, at, at.refusal))).toBeCloseTo(1, 4);
    expect(mean(project(ofAgainst.get(k + 1)!.data, at, at.refusal))).toBeCloseTo(-1, 4);
    for (const each of [...at.random, ...at.shuffled])
      expect(Math.hypot(...each)).toBeCloseTo(at.distance, 8);
    expect(at.random).toHaveLength(3);
    expect(at.shuffledLength).toBeLessThan(1);
  }
  const again = await fitDirections(backend, { toxic, against }, { draws: 3, seed: 5 });
  expect(again).toEqual(fitted);
  const other = await fitDirections(backend, { toxic, against }, { draws: 3, seed: 6 });
  expect(other[0]!.refusal).toEqual(fitted[0]!.refusal);
  expect(other[0]!.random).not.toEqual(fitted[0]!.random);
});

it("shows a pair by its tokens, projected on a direction that the pair had no part in", async () => {
  await using session = await tinySession();
  const { backend, encoder, tokenizer } = session;
  const stage = { name: "stage-0", stage: 0, step: 3, globalStep: 3, learningRate: null };
  const { figures, plan, tables, caveats } = await measuredOn(tokenView, session, {
    prompts,
    options: { pair: "pair 2", draws: 2 },
    states: [untrainedState, stage],
    seed: 1,
  });
  expect(figures).toMatchObject({ against: "seemingly_toxic", fitted: { toxic: 5, against: 5 }, draws: 2 });
  expect(figures.prompts.map(({ prompt }) => prompt)).toEqual([prompts[4]!.prompt, prompts[5]!.prompt]);
  const all = await encoder.prompts(prompts.map(({ prompt }) => prompt));
  // The shown tokens are the text behind what all prompts begin with.
  for (const [p, i] of [4, 5].entries()) {
    const shown = figures.prompts[p]!.tokens;
    expect(shown.map(({ id }) => id)).toEqual(all[i]!.slice(figures.skipped));
    const text = await tokenizer.decode(all[i]!, { skipSpecial: false });
    expect(text.endsWith(shown.map((token) => token.text).join(""))).toBe(true);
    expect(shown.some(({ own }) => own)).toBe(true);
    expect(shown.every(({ column }, t) => column < figures.columns && column >= t)).toBe(true);
  }
  // What both end with is the template's and stands in the same columns.
  const [a, b] = figures.prompts.map(({ tokens }) => tokens.at(-1)!);
  expect(a).toEqual(b);
  // By the plain way: means of the other five pairs, and the last token of the pair's toxic prompt.
  const { layers } = backend.shape;
  const features = await backend.features(all, { layers: [layers], pooling: "last" });
  const { data, width } = features.get(layers)!;
  const row = (i: number) => [...data.subarray(i * width, (i + 1) * width)];
  const meanOf = (chosen: number[]) =>
    row(0).map((_, c) => chosen.reduce((sum, i) => sum + row(i)[c]!, 0) / chosen.length);
  const [toxic, against] = [meanOf([0, 2, 6, 8, 10]), meanOf([1, 3, 7, 9, 11])];
  const r = toxic.map((x, c) => x - against[c]!);
  const square = r.reduce((sum, x) => sum + x * x, 0);
  const value =
    r.reduce((sum, x, c) => sum + x * (row(4)[c]! - (toxic[c]! + against[c]!) / 2), 0) / (square / 2);
  const [first, second] = figures.states;
  expect(
    first!.maps
      .find(({ kind, prompt }) => kind === "refusal" && prompt === 0)!
      .values.at(-1)!
      .at(-1),
  ).toBeCloseTo(value, 2);
  expect(first!.layers.at(-1)!.distance).toBeCloseTo(Math.sqrt(square), 3);
  // The same model is two states here.
  expect(second!.maps).toEqual(first!.maps);
  expect(second!.layers.every(({ cosine }) => Math.abs(cosine! - 1) < 1e-6)).toBe(true);
  expect(first!.maps.map(({ kind, prompt }) => `${kind} ${prompt}`)).toEqual([
    ...["refusal 0", "refusal 1", "random 0", "random 1", "shuffled 0", "shuffled 1"],
  ]);
  expect(plan.forwardPasses).toBe(2 * 12);
  expect(caveats).toContainEqual(expect.stringMatching(/5 toxic and 5 other prompts, which is few/));
  for (const { columns, rows } of tables) for (const cells of rows) expect(cells.length).toBe(columns.length);
});

it("looks at prompts by their words or ids, takes the first pair where none is named, and says what it lacks", async () => {
  await using session = await tinySession();
  const measure = (options: Record<string, unknown>, of: typeof prompts = prompts) =>
    measuredOn(tokenView, session, { prompts: of, options: { draws: 1, ...options } });
  const one = await measure({ prompts: [` ${prompts[6]!.prompt}`] });
  expect(one.figures.prompts).toHaveLength(1);
  expect(one.figures.columns).toBe(one.figures.prompts[0]!.tokens.length);
  expect((await measure({})).figures.prompts[0]!.prompt).toBe(prompts[0]!.prompt);
  await expect(measure({ pair: "none" })).rejects.toThrow(/no matched pair "none"/);
  await expect(measure({ prompts: ["nothing of these"] })).rejects.toThrow(/None of the prompts/);
  await expect(measure({}, prompts.slice(0, 4))).rejects.toThrow(/there are 1 and 1/);
  await expect(measure({ against: "general" })).rejects.toThrow(/there are 5 and 0/);
});
