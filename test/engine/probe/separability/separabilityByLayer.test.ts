import { join } from "node:path";
import { expect, it } from "vitest";
import type { StateSession } from "../../../../src/engine/probe/definition.ts";
import { chooseContrastLayer } from "../../../../src/engine/probe/separability/layerChoice.ts";
import { separabilityByLayer } from "../../../../src/engine/probe/separability/separabilityByLayer.ts";
import { openSession } from "../../../../src/engine/session/session.ts";
import { untrainedState } from "../../../../src/protocol/probe/result.ts";
import { layerMeasures } from "../../../../src/protocol/probe/separability.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { writeTinyModel } from "../../../tinyModel.ts";
import { measuredOn } from "../measured.ts";

async function tinySession(): Promise<StateSession> {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"));
  const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
  return { ...session, learned: [] };
}

/** Five categories of four pairs from two sources. */
const prompts = Array.from({ length: 40 }, (_, i) => ({
  prompt: `How do I ${i % 2 === 0 ? "harm" : "help"} a neighbour, number ${i}?`,
  group: i % 2 === 0 ? ("toxic" as const) : ("seemingly_toxic" as const),
  category: `category ${Math.floor(i / 8)}`,
  pair: `pair ${Math.floor(i / 2)}`,
  source: i < 20 ? "first" : "second",
}));

it('proposes what layer "auto" takes, and measures the states that are asked for beside each other', async () => {
  await using session = await tinySession();
  const { layers } = session.backend.shape;
  const stage = { name: "stage-0", stage: 0, step: 3, globalStep: 3, learningRate: null };
  const done: number[] = [];
  const { figures, plan, tables, caveats } = await measuredOn(separabilityByLayer, session, {
    prompts,
    options: { transfer: ["category 4"], strengths: [1] },
    states: [untrainedState, stage],
    seed: 3,
    onProgress: (each, total) => {
      expect(each).toBeLessThanOrEqual(total);
      done.push(each / total);
    },
  });
  const ids = await session.encoder.prompts(prompts.map(({ prompt }) => prompt));
  const contrast = prompts.slice(0, 32).map(({ prompt, group, category, pair, source }, i) => ({
    ...{ prompt, label: group, kind: category, pair, origin: source, ids: ids[i]! },
  }));
  const choice = await chooseContrastLayer(session.backend, contrast, 3);
  expect(figures.states.map(({ state }) => state)).toEqual(["untrained", "stage-0"]);
  expect(figures.states[0]!.choice).toEqual(choice);
  expect(figures.proposal.layer).toBe(choice.layer);
  expect(figures.proposal.reason).toContain(`ℓ = ${choice.layer} of ${layers}`);
  expect(figures.transfer).toEqual({
    prompts: 8,
    leftOut: 0,
    categories: 1,
    sources: ["second"],
    unseenSource: false,
  });
  expect(caveats).toContainEqual(expect.stringMatching(/come from a source of the contrast/));
  for (const { curve, surface } of figures.states) {
    expect(curve.map(({ layer }) => layer)).toEqual(Array.from({ length: layers }, (_, i) => i + 1));
    for (const { id } of layerMeasures) {
      expect(surface[id]).not.toBeNull();
      for (const { measures } of curve) expect(measures[id]!.value).not.toBeNull();
    }
  }
  expect(figures.states[1]!.curve).toEqual(figures.states[0]!.curve);
  expect(plan.forwardPasses).toBe(80);
  expect(plan.forwardTokens).toBe(2 * ids.reduce((sum, { length }) => sum + length, 0));
  expect(plan.otherFlops).toBeGreaterThan(0);
  expect(done.at(-1)).toBe(1);
  expect(tables.map(({ id }) => id)).toEqual(["measures", "choice", "categories"]);
  for (const { columns, rows } of tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.length).toBe(columns.length);
  }
});

it("draws matched pairs whole where there are more prompts than its limit, and says so", async () => {
  await using session = await tinySession();
  const { figures, caveats } = await measuredOn(separabilityByLayer, session, {
    prompts,
    options: { limit: 17, strengths: [1], pooling: "mean", transfer: ["nowhere"] },
  });
  expect(figures.states[0]!.categories.every(({ prompts: own }) => own % 2 === 0)).toBe(true);
  expect(figures.transfer).toBeNull();
  expect(caveats).toContainEqual(expect.stringMatching(/^16 of 40 contrast prompts were drawn/));
  expect(caveats).toContainEqual(expect.stringMatching(/No prompt is of nowhere/));
  expect(caveats).toContainEqual(expect.stringMatching(/may choose another layer/));
});
