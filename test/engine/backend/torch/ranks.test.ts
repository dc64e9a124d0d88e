import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  ContrastBatch,
  TrainerSpec,
} from "../../../../src/engine/backend/backend.ts";
import { OnnxContrastTerms } from "../../../../src/engine/backend/onnx/programs/featureTerms.ts";
import { joinWorker } from "../../../../src/engine/backend/torch/join.ts";
import { TorchBackend } from "../../../../src/engine/backend/torch/torchBackend.ts";
import { type LoadOptions, TorchModel } from "../../../../src/engine/backend/torch/torchModel.ts";
import { WorkerClient, type WorkerOptions } from "../../../../src/engine/backend/torch/workerClient.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { stageSchema } from "../../../../src/protocol/recipeStages.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tinyPath } from "../../model/tiny.ts";
import { conformance } from "../conformance.ts";
import { conformanceOfGradients } from "../gradients.ts";
import { TorchWorkers } from "../torchWorkers.ts";

const skipped = skipWithoutTorch("the PyTorch backend in several processes");

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers({ processes: 2 });
  conformance("torch in two processes", (folder) => workers.open(folder));
  conformanceOfGradients("torch in two processes", (folder) => workers.open(folder), ["llama"]);
  afterAll(() => workers.stop());
});

const recipe = stageSchema.parse({ type: "contrastive" });
const loss = recipe.type === "contrastive" ? recipe.loss : null;
const labels = ["toxic", "seemingly_toxic"];
const row = (i: number) => [
  3,
  4,
  5,
  ...Array.from({ length: 3 + (i % 4) }, (_, t) => 10 + ((11 * i + 7 * t) % 120)),
];

/** Answers of different lengths, three of them: one rank has more rows than the other. */
const answers: AnswersBatch = {
  kind: "answers",
  examples: [0, 1, 2].map((i) => ({
    ids: [...row(i), 100 + i, 70, 71, 1].slice(0, 7 + 2 * i),
    promptLength: 5,
  })),
  maskPrompt: true,
  weight: 0.1,
  shared: 3,
};
/** One answer: a rank has none. */
const one: AnswersBatch = { ...answers, examples: answers.examples.slice(0, 1) };

async function contrast(backend: Backend, type: "distance" | "kl", anchors: number): Promise<ContrastBatch> {
  const layer = 2;
  const rows = Array.from({ length: anchors }, (_, i) => row(9 + i));
  const positions = rows.map(({ length }) => [length - 1, length - 2]);
  const found = await backend.features(rows, { layers: [layer], pooling: { positions }, shared: 3 });
  const { data, width } = found.get(layer)!;
  return {
    kind: "contrast",
    prompts: Array.from({ length: 6 }, (_, i) => ({ ids: row(i), label: labels[i % 2]! })),
    layer,
    pooling: "mean",
    centre: new Float32Array(width),
    loss: loss!,
    retention: {
      type,
      weight: 2,
      anchors: rows.map((ids, i) => ({
        ids,
        positions: positions[i]!,
        features: data.slice(2 * i * width, 2 * (i + 1) * width),
      })),
    },
    shared: 3,
  };
}

/** Five losses and norms of gradients of each kind of step, an adapter with dropout being trained. */
async function steps(backend: Backend): Promise<number[]> {
  const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1e-8, weightDecay: 0.01 };
  const train = { method: "lora", rank: 4, alpha: 8, dropout: 0.1, targets: "all-linear" } as const;
  const figures: number[] = [];
  const kinds = [
    answers,
    one,
    await contrast(backend, "distance", 3),
    await contrast(backend, "kl", 3),
    await contrast(backend, "kl", 1),
  ];
  for (const batch of kinds) {
    const spec: TrainerSpec = { train, optimiser, seed: 1, kinds: [batch] };
    const trainer = await backend.createTrainer(spec);
    for (let step = 0; step < 5; step++) {
      const { loss, gradientNorm, metrics } = await trainer.backward([batch]);
      figures.push(loss, gradientNorm, ...Object.values(metrics));
      await trainer.update(1e-3, 1);
    }
    await trainer.finish();
  }
  const prompts = [row(1), row(2), row(3)];
  figures.push(...[...(await backend.nextTokens(prompts)).values()].flatMap((logs) => [...logs]));
  return figures;
}

describe.skipIf(skipped)("training by several ranks", { timeout: 180_000 }, () => {
  const terms = new OnnxContrastTerms();
  let expected: number[];
  const figuresOf = async (worker: Partial<WorkerOptions>, load: Partial<LoadOptions> = {}) => {
    const client = await WorkerClient.start({ python: testPython!, threads: 1, ...worker });
    try {
      const folder = tinyPath("llama");
      const { architecture, weights } = await loadModel(folder);
      const options = {
        folder,
        architecture,
        weights,
        device: "cpu",
        dtype: "float32",
        threads: 1,
        ...load,
      } as const;
      const model = await TorchModel.load(client, options);
      return { figures: await steps(new TorchBackend(model, terms)), about: model.about };
    } finally {
      await client.stop();
    }
  };
  const farthest = (figures: number[]) => {
    expect(figures).toHaveLength(expected.length);
    return Math.max(...figures.map((figure, i) => Math.abs(figure - expected[i]!)));
  };
  beforeAll(async () => {
    expected = (await figuresOf({})).figures;
    expect(expected.every(Number.isFinite)).toBe(true);
  });
  afterAll(() => terms.dispose());

  it.each([
    ["that hold all weights", {}],
    ["that hold shares of the weights", { shard: true }],
    ["that hold shares and compute blocks anew", { shard: true, recompute: true }],
  ])("%s gives the losses, norms and models of one", async (_, load) => {
    const { figures, about } = await figuresOf({ processes: 2 }, load);
    expect(about).toMatchObject({ processes: 2, sharded: "shard" in load });
    expect(farthest(figures)).toBeLessThan(1e-3);
  });

  it("on two machines gives the same, and ends on both", async () => {
    const nodes = { count: 2, rendezvous: `127.0.0.1:${await freePort()}`, id: "test" };
    const lines: string[] = [];
    const other = { python: testPython!, nodes, rank: 1, processes: 1, threads: 1 };
    const joined = joinWorker({ ...other, onLine: (line) => lines.push(line) });
    const { figures, about } = await figuresOf({ nodes }, { shard: true });
    expect(about).toMatchObject({ processes: 2, nodes: 2 });
    expect(farthest(figures)).toBeLessThan(1e-3);
    await joined;
  });

  it("that nobody joins is given up, saying what to start", async () => {
    const nodes = { count: 2, rendezvous: `127.0.0.1:${await freePort()}`, id: "test" };
    const other = { python: testPython!, nodes, rank: 1, processes: 1, seconds: 3, onLine: () => undefined };
    await expect(joinWorker(other)).rejects.toMatchObject({
      code: "worker-failed",
      message: expect.stringMatching(/did not meet at 127\.0\.0\.1:\d+.*discern torch join/),
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
