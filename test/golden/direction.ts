import { describe, expect, it } from "vitest";
import type { Backend, Example } from "../../src/engine/backend/backend.ts";
import { type Adapter, scaledAdapter } from "../../src/engine/model/adapter.ts";
import { linearModules } from "../../src/engine/model/architecture.ts";
import { type LoadedModel, loadModel } from "../../src/engine/model/load.ts";
import type { Step } from "../../src/engine/probe/direction/sample.ts";
import { predictedChanges, StepTaker } from "../../src/engine/probe/direction/steps.ts";
import { stepping } from "../../src/engine/probe/direction/trained.ts";
import { refusalPoints } from "../../src/engine/probe/refusalGradient.ts";
import { tokenTrie } from "../../src/engine/probe/tokenTrie.ts";
import type { ModelState } from "../../src/protocol/probe/result.ts";
import { goldenPath, readGolden } from "./golden.ts";

interface Expected {
  openings: number[][];
  prompts: number[][];
  answers: number[][];
  rates: number[];
  adapter: { rank: number; alpha: number; targets: string[] };
  cases: {
    model: string;
    scope: "weights" | "adapter";
    log_odds: number[];
    predicted: number[][];
    measured: number[][][];
  }[];
}

const golden = readGolden<Expected>("direction.json");
const asked = { prompts: golden.prompts, openings: golden.openings };
const steps: Step[] = golden.answers.map((answer, i) => {
  const prompt = golden.prompts[i]!;
  const example: Example = { ids: [...prompt, ...answer], promptLength: prompt.length };
  return { prompts: [String(i)], pairs: [], examples: [example] };
});

/** The adapter that the golden values' formula gives. */
function adapterOf({ architecture }: LoadedModel): Adapter {
  const { rank, alpha, targets } = golden.adapter;
  const wave = (count: number, of: (i: number) => number) =>
    Float32Array.from({ length: count }, (_, i) => 0.05 * of(i));
  const modules = Array.from({ length: architecture.layers }, (_, layer) =>
    linearModules(architecture).flatMap(({ name, inFeatures, outFeatures }) => {
      if (!targets.includes(name.split(".").at(-1)!)) return [];
      const a = { shape: [rank, inFeatures], data: wave(rank * inFeatures, (i) => Math.sin(i * 0.37 + 1)) };
      const b = { shape: [outFeatures, rank], data: wave(rank * outFeatures, (i) => Math.cos(i * 0.53)) };
      return [[`model.layers.${layer}.${name}`, { a, b, scale: alpha / rank }] as const];
    }),
  );
  return { modules: new Map(modules.flat()), baseModel: null };
}

/** A backend repeats the directional kernel of PyTorch's autograd: predictions, and what steps change. */
export function goldenDirection(name: string, open: (folder: string) => Promise<Backend>): void {
  describe.each(golden.cases)(
    `the directional kernel of $model over $scope repeats autograd's (${name})`,
    (expected) => {
      it("in what first order predicts, and in what steps of plain SGD change", async () => {
        const folder = goldenPath("tiny", expected.model);
        const loaded = await loadModel(folder);
        const backend = await open(folder);
        const adapter = adapterOf(loaded);
        const lora = expected.scope === "adapter";
        // A state whose stage has an adapter holds it merged; the steps go on from the adapter itself.
        if (lora) await backend.adopt({ method: "lora", adapter });
        const learned = lora ? [{ method: "lora" as const, adapter }] : [];
        const state = { stage: lora ? 0 : null } as ModelState;
        const train = lora
          ? ({ method: "lora", rank: 1, alpha: 1, dropout: 0.5, targets: "all-linear" } as const)
          : ({ method: "full", embeddings: false } as const);
        const points = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
        for (const [i, { logOdds }] of points.entries())
          expect(logOdds).toBeCloseTo(expected.log_odds[i]!, 4);

        const ready = await stepping({ backend, learned }, state, train, steps[0]!, 0);
        const predicted = await predictedChanges(backend, ready, asked, points, steps, () => {});
        const scale = Math.max(...expected.predicted.flat().map(Math.abs));
        for (const [s, row] of expected.predicted.entries()) {
          for (const [p, change] of row.entries()) {
            expect(Math.abs(predicted[s]![p]! - change) / scale).toBeLessThan(1e-4);
          }
        }

        const taker = await StepTaker.create(backend, ready.trainer, asked);
        const [rate] = golden.rates as [number];
        for (const [s, step] of steps.entries()) {
          const { change } = await taker.step(step, rate);
          const largest = Math.max(...expected.measured[s]![0]!.map(Math.abs));
          for (const [p, measured] of expected.measured[s]![0]!.entries()) {
            expect(Math.abs(change.logOdds[p]! - measured) / largest).toBeLessThan(5e-3);
          }
        }
        // Steps are undone, and the model is left as it was.
        await ready.trainer.finish();
        const after = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
        for (const [i, { logOdds }] of after.entries()) expect(logOdds).toBeCloseTo(points[i]!.logOdds, 4);
        await backend.dispose();
      });
    },
  );

  it(`an adapter taken times −1 takes out what it has put in (${name})`, async () => {
    const folder = goldenPath("tiny", golden.cases[0]!.model);
    const loaded = await loadModel(folder);
    const backend = await open(folder);
    const before = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
    const adapter = adapterOf(loaded);
    await backend.adopt({ method: "lora", adapter });
    const within = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
    await backend.adopt({ method: "lora", adapter: scaledAdapter(adapter, -1) });
    const after = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
    expect(within[0]!.logOdds).not.toBeCloseTo(before[0]!.logOdds, 3);
    for (const [i, { logOdds }] of after.entries()) expect(logOdds).toBeCloseTo(before[i]!.logOdds, 5);
    await backend.dispose();
  });
}
