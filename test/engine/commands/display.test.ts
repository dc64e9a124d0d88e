import { expect, test } from "vitest";
import { chart, words } from "../../../src/engine/commands/display.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { exampleChoice } from "../evaluate/fixture.ts";

const at = "2026-01-01T00:00:00.000Z";
const step = { type: "step", at, seq: 3, stage: 0, step: 4, globalStep: 4, tokens: 90 } as const;
const figures = { loss: 2.5, learningRate: 1e-3, gradientNorm: 1.25, seconds: 0.5 };
const panel = (mean: number) => ({ mean, perPrompt: [mean] });
const probe = (seq: number, globalStep: number, toxic: number): RunEvent => ({
  ...{ type: "probe", at, seq, stage: 0, step: globalStep, globalStep, generalLoss: 3 },
  ...{ toxic: panel(toxic), seeminglyToxic: panel(toxic / 2), general: panel(0) },
});

test("a contrastive step tells the gap it opened and how far general prompts moved", () => {
  expect(words({ ...step, ...figures, separation: 0.25, retention: 0.004 })).toBe(
    "step 4  loss 2.500  norm 1.250  separation 0.25  retention 0.004  0.50 s",
  );
  expect(words({ ...step, ...figures })).toBe("step 4  loss 2.500  norm 1.250  0.50 s");
});

test("the choice of a layer is told with its error and the controls", () => {
  const chosen = { type: "layer-chosen", at, seq: 2, stage: 0, ...exampleChoice } as const;
  expect(words(chosen)).toBe(
    "Layer 2 of 3: AUROC 0.90 (SE 0.02) on held-out categories (10 in 5 folds); controls: shuffled labels 0.50 (best " +
      "layer of 20 draws 0.57), character n-grams 0.63, source 0.51",
  );
  const pairs = { ...chosen, heldOut: "pair", controls: { ...chosen.controls, source: null } } as const;
  expect(words(pairs)).toMatch(/on held-out matched pairs and single prompts .* source – \(one source\)$/);
});

test("figures that were not finite are shown as missing", () => {
  expect(words({ ...step, ...figures, loss: null })).toBe("step 4  loss –  norm 1.250  0.50 s");
});

test("the live picture has the curves, the gap, the spill-over and where the run stands", () => {
  const events: RunEvent[] = [
    {
      ...{ type: "run-started", at, seq: 0, name: "dcr", model: "m", device: "cpu", seed: 0, hashes: {} },
      ...{ stages: [{ type: "contrastive", steps: 20 }], totalSteps: 20 },
    },
    { type: "stage-started", at, seq: 1, stage: 0, kind: "contrastive", steps: 20, layer: 2 },
    probe(2, 0, 0),
    { ...step, ...figures, separation: 0.25, retention: 0.004 },
    probe(4, 5, 0.4),
    probe(5, 10, 0.8),
  ];
  const picture = chart(events, 60);
  expect(picture).toContain("gap 0.40 · spill-over 0.50");
  expect(picture).toMatch(
    /stage 1\/1 contrastive · step 4\/20 · loss 2\.500 · separation 0\.25 {2}retention 0\.004/,
  );
  expect(picture).toMatch(/8 s left/);
});
