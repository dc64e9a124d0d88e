import { join } from "node:path";
import { expect, it } from "vitest";
import type { StateSession } from "../../../../src/engine/probe/definition.ts";
import { coordinates, principalComponents } from "../../../../src/engine/probe/projection/principal.ts";
import { projection } from "../../../../src/engine/probe/projection/projection.ts";
import { openSession } from "../../../../src/engine/session/session.ts";
import { type ModelState, untrainedState } from "../../../../src/protocol/probe/result.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { writeTinyModel } from "../../../tinyModel.ts";
import { measuredOn, type Words } from "../measured.ts";

const things = [
  "a lock",
  "a fight",
  "a car",
  "a process",
  "a photo",
  "a scene",
  "a lake",
  "a hill",
  "a song",
];
const groups = ["toxic", "seemingly_toxic", "general"] as const;
const prompts: Words[] = things.flatMap((thing, i) => [
  { prompt: `How do I kill ${thing}?`, group: groups[i % 3]!, category: `kind ${i % 2}` },
  { prompt: `What is ${thing}`, group: groups[(i + 1) % 3]!, source: "other" },
]);
const states: ModelState[] = [untrainedState, { ...untrainedState, name: "stage-0", stage: 0, step: 5 }];

async function session(seed: number): Promise<StateSession & AsyncDisposable> {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"), seed);
  return Object.assign(await openSession({ model, root, device: "cpu", threads: 1, template: "auto" }), {
    learned: [],
  });
}

it("puts every state on one basis, the same each time, beside what chance gives", async () => {
  await using untrained = await session(1);
  await using trained = await session(2);
  const open = async ({ name }: ModelState) => (name === "untrained" ? untrained : trained);
  const done: [number, number][] = [];
  const measure = (options: Record<string, unknown>, onProgress = (..._: [number, number]) => {}) =>
    measuredOn(projection, untrained, {
      ...{ prompts, states, open, onProgress, contrastLayer: 2 },
      options: { draws: 5, neighbours: 4, ...options },
    });
  const { figures, tables, plan, caveats } = await measure({}, (...each) => done.push(each));

  const ids = await untrained.encoder.prompts(prompts.map(({ prompt }) => prompt));
  const features = await Promise.all(
    [untrained, trained].map(
      async ({ backend }) => (await backend.features(ids, { layers: [2], pooling: "last" })).get(2)!,
    ),
  );
  const both = {
    count: 2 * ids.length,
    width: features[0]!.width,
    data: Float32Array.from(features.flatMap(({ data }) => [...data])),
  };
  const basis = principalComponents(both, 2);
  const [pca, umap] = figures.pictures;
  for (const [s, { x, y }] of pca!.states.entries()) {
    const expected = coordinates(features[s]!, basis);
    expect([x, y]).toEqual(expected.map((along) => Array.from(along, (value) => expect.closeTo(value, 4))));
  }
  expect(pca!.explained).toEqual(basis.explained.map((share) => expect.closeTo(share, 6)));
  expect([pca!.fitted, umap!.fitted]).toEqual([
    ["untrained", "stage-0"],
    ["untrained", "stage-0"],
  ]);
  for (const { between, silhouette } of [...pca!.states, ...umap!.states]) {
    expect(between!.value!).toBeGreaterThan(0);
    expect(between!.shuffled.highest!).toBeGreaterThanOrEqual(between!.shuffled.mean!);
    expect(Math.abs(silhouette!.value!)).toBeLessThanOrEqual(1);
  }
  expect(pca!.states[0]!.between!.random!.highest!).toBeGreaterThan(0);
  expect(umap!.states[0]!.between!.random).toBeNull();
  expect(figures.refusal.map((each) => each.length)).toEqual([prompts.length, prompts.length]);
  expect(tables[0]!.rows).toHaveLength(2 * prompts.length);
  expect(tables[0]!.rows[0]!.slice(0, 3)).toEqual(["untrained", expect.any(String), prompts[0]!.prompt]);
  expect(caveats.join(" ")).toContain("mean nothing in UMAP");
  expect(plan.forwardPasses).toBe(4 * prompts.length);
  const totals = new Set(done.map(([, total]) => total));
  expect([...totals]).toEqual([5 * prompts.length]);
  expect(done.map(([at]) => at)).toEqual(done.map(([at]) => at).toSorted((a, b) => a - b));

  const again = await measure({});
  expect(again.figures).toEqual(figures);
  expect(figures.verdicts).toBeNull();
  const judged = await measure({ umap: false, answerTokens: 3 });
  expect(judged.figures.verdicts!.judge.id).toBe("arditi");
  expect(judged.figures.verdicts!.states.map((each) => each.length)).toEqual([
    prompts.length,
    prompts.length,
  ]);
  expect(judged.tables[0]!.rows[0]!.at(-1)).toBe(judged.figures.verdicts!.states[0]![0]);
  expect(judged.plan.forwardPasses).toBe(6 * prompts.length);
  const alone = await measure({ basis: "untrained", umap: false, pooling: "mean", layer: 1 });
  expect(alone.figures.pictures.map(({ method, fitted }) => [method, fitted])).toEqual([
    ["pca", ["untrained"]],
  ]);
  expect(alone.figures).toMatchObject({ layer: 1, pooling: "mean", reduced: null });
});

it("has no separation where all prompts are of one group", async () => {
  await using one = await session(1);
  const { figures } = await measuredOn(projection, one, {
    prompts: prompts.filter(({ group }) => group === "toxic"),
    options: { umap: false },
  });
  expect(figures.pictures[0]!.states[0]).toMatchObject({ between: null, silhouette: null });
  expect(figures.whole[0]!.between).toBeNull();
});

it("refuses what does not fit, before anything is measured", async () => {
  await using one = await session(1);
  const asked = (options: Record<string, unknown>, of = prompts) =>
    measuredOn(projection, one, { prompts: of, options });
  await expect(asked({ layer: 9 })).rejects.toThrow(/3 layers, so there are no features of layer 9/);
  await expect(asked({ basis: "stage-7" })).rejects.toThrow(/"stage-7" is not among those.*untrained/);
  const rows = Array.from({ length: 20_001 }, () => ({ ids: [1] }));
  expect(() =>
    projection.plan({
      ...{ prompts: rows as never, states: [untrainedState], shape: one.backend.shape, openings: [[1]] },
      ...{ options: projection.contract.options.parse({}), seed: 0, training: [], contrastLayer: null },
      ...{ architecture: one.loaded.architecture, parameters: 1 },
    }),
  ).toThrow(/UMAP of 20,001 points.*set umap=false/);
});
