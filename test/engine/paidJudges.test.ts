import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { distilAnswers } from "../../src/engine/abilities/distil.ts";
import { parseSource } from "../../src/engine/abilities/evaluate.ts";
import { deriveOpenings } from "../../src/engine/abilities/openings.ts";
import { measureProbe } from "../../src/engine/abilities/probe.ts";
import { torchSchema } from "../../src/protocol/backend.ts";
import { judgesSchema } from "../../src/protocol/judges.ts";
import { probeRequestSchema } from "../../src/protocol/probe/request.ts";
import { type Spent, spentSentence } from "../../src/protocol/spent.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";
import { type Answer, said, service } from "./endpoint/service.ts";

const price = { input: 2, output: 8 };
/** What a reply of the service costs by these prices. */
const each = (100 * price.input + 10 * price.output) / 1e6;

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  process.env.DISCERN_VERDICTS = join(root, "verdicts");
});
afterEach(() => {
  delete process.env.DISCERN_VERDICTS;
});

/** A judge that is a service: by turns it sees an answer and a refusal, where nothing else is said. */
async function paidJudge(
  reply: (n: number) => Answer = (n) => said(n % 2 === 0 ? "1" : "2"),
  model = "reader",
) {
  const { url, got } = await service((_, n) => reply(n));
  const spec = { ...{ type: "endpoint", url, model }, concurrency: 1, retries: 0, price } as const;
  return { spec, judge: judgesSchema.parse([spec])[0]!, got };
}

const ask = {
  root: "",
  device: "cpu",
  backend: "onnx",
  memory: "auto",
  template: "auto",
  threads: 1,
} as const;
const sources = [parseSource("starter:pairs.csv?split=train&limit=4").source];

/** Has the tiny model answer prompts helpfully. @returns what was said that the judge cost */
async function distilled(judge: Awaited<ReturnType<typeof paidJudge>>["judge"], out: string) {
  let told: readonly Spent[] | null = null;
  const made = distilAnswers({ ...ask, root, model: "model" }, sources, {
    ...{ out, judge, seed: 0, maxTokens: 512, batchSize: 4, temperature: 1, samples: 2, maxNewTokens: 12 },
    onSpent: (spent) => (told = spent),
  });
  return { failed: await made.then(() => false).catch(() => true), told: told! as readonly Spent[] };
}

test("answers that are distilled state what their judge cost, also where it failed, and what was on disk", async () => {
  const { judge, got } = await paidJudge();
  const first = await distilled(judge, "a.jsonl");
  expect(first.failed).toBe(false);
  expect(got.length).toBeGreaterThan(0);
  expect(first.told).toEqual([
    {
      ...{ service: "reader", requests: got.length, promptTokens: 100 * got.length },
      ...{ completionTokens: 10 * got.length, unreported: 0, known: 0 },
      ...{ answers: expect.any(Number), cost: expect.closeTo(each * got.length, 9) },
    },
  ]);
  const asked = got.length;
  const again = await distilled(judge, "b.jsonl");
  expect(again.told).toMatchObject([{ requests: 0, cost: null, known: asked, answers: asked }]);
  expect(spentSentence(again.told[0]!)).toContain(
    `${asked} of ${asked} verdicts were on disk and cost nothing.`,
  );

  const failing = await paidJudge(
    (n) => (n < 2 ? said("1") : { status: 401, body: { error: "no" } }),
    "other",
  );
  const third = await distilled(failing.judge, "c.jsonl");
  expect(third).toMatchObject({ failed: true, told: [{ requests: 3, promptTokens: 200 }] });
});

test("openings that are derived keep what their judge cost", async () => {
  const { judge, got } = await paidJudge();
  const told: Spent[] = [];
  const { judge: kept } = await deriveOpenings(
    [join(root, "model")],
    sources,
    { ...ask, root, torch: torchSchema.parse({}) },
    {
      derivation: {
        ...{
          samples: 4,
          maxNewTokens: 24,
          temperature: 1,
          depth: 1,
          coverage: 0.9,
          falseShare: 1,
          support: 1,
        },
        ...{ folds: 2, shuffles: 2 },
      },
      ...{ judge, seed: 0, batchSize: 4, suites: [], out: "own.openings.json" },
      onSpent: (spent) => told.push(...spent),
    },
  );
  expect(kept.services).toMatchObject([
    { service: "reader", requests: got.length, cost: expect.closeTo(each * got.length, 9) },
  ]);
  expect(told).toEqual(kept.services);
});

test("a probe whose judge is a service keeps what it cost", async () => {
  const { spec, got } = await paidJudge();
  const request = probeRequestSchema.parse({
    probe: "calibration",
    root,
    subject: { kind: "model", model: "model", device: "cpu", backend: "onnx", threads: 1 },
    prompts: sources,
    options: { judge: JSON.stringify(spec), samples: 2, maxNewTokens: 12 },
  });
  const { result } = await measureProbe(request, "own.probe.json");
  expect(got.length).toBeGreaterThan(0);
  expect(result.cost.services).toMatchObject([
    { service: "reader", requests: got.length, cost: expect.closeTo(each * got.length, 9) },
  ]);
});
