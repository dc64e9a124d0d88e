import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { workbenchHandlers } from "../../src/engine/commands/workbench.ts";
import type { Asked } from "../../src/engine/server/answer.ts";
import { openingsFileSchema } from "../../src/protocol/openings.ts";
import { type OpeningsRequest, openingsRequestSchema } from "../../src/protocol/openingsRequest.ts";
import { writeTinyModel } from "../tinyModel.ts";
import { firstCharacterJudge, service } from "./endpoint/service.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "discern-openings-plan-"));
  await writeTinyModel(join(folder, "model"));
  process.env.DISCERN_VERDICTS = join(folder, "verdicts");
});
afterAll(async () => {
  delete process.env.DISCERN_VERDICTS;
  await rm(folder, { recursive: true, force: true });
});

const { planOpenings, deriveOpenings } = workbenchHandlers([process.execPath, ""]);
const request = (change: object): OpeningsRequest =>
  openingsRequestSchema.parse({
    ...{ root: folder, models: ["model"], out: "own.openings.json", device: "cpu", backend: "onnx" },
    prompts: [{ file: "starter:pairs.csv", split: "train", limit: 40 }],
    ...{ samples: 4, maxNewTokens: 6 },
    ...change,
  });
/** A request that is followed: what it was told goes into `told`. */
const asked = (told: string[] = [], signal = new AbortController().signal): Asked => ({
  progress: (title) => (done, total) => {
    signal.throwIfAborted();
    if (total > 0 && done === total) told.push(title);
  },
  written: () => undefined,
  signal,
});

it("says what deriving openings costs before anything is computed", async () => {
  const plan = await planOpenings!(request({}), asked());
  expect(plan).toMatchObject({ models: ["model"], prompts: 40, answers: 160, tokens: 960 });
  expect(plan.seconds).toBeGreaterThan(0);
  expect(plan.judge).toMatchObject({ immediate: true, isService: false });
  const longer = await planOpenings!(request({ maxNewTokens: 60 }), asked());
  expect(longer.seconds!).toBeGreaterThan(2 * plan.seconds!);
  await expect(planOpenings!(request({ judge: "nobody" }), asked())).rejects.toThrow(/no judge "nobody"/);
  expect(existsSync(join(folder, "own.openings.json"))).toBe(false);
});

it("derives openings on request, with progress, and leaves nothing where it is cancelled", async () => {
  const { url, got } = await service(firstCharacterJudge);
  const judge = { type: "endpoint", url, model: "reader", retries: 0 } as const;
  const abort = new AbortController();
  const work = deriveOpenings!(request({ judge }), {
    ...asked([], abort.signal),
    progress: (title) => () => {
      if (title.startsWith("Sampling")) abort.abort(new Error("cancelled"));
    },
  });
  await expect(work).rejects.toThrow("cancelled");
  expect(got).toEqual([]);
  expect(existsSync(join(folder, "own.openings.json"))).toBe(false);

  const told: string[] = [];
  const made = await deriveOpenings!(request({ judge }), asked(told));
  expect([...new Set(told)]).toEqual(["Reading the model", "Sampling model", "Judging by reader"]);
  expect(made.file).toBe(join(folder, "own.openings.json"));
  const written = openingsFileSchema.parse(JSON.parse(await readFile(made.file, "utf8")));
  expect(written.openings.map(({ text }) => text)).toEqual(made.openings);
  expect(made.coverage).toBe(written.heldOut.coverage!.value);
  expect(made.spent[0]).toContain("reader");
  await expect(planOpenings!(request({ judge }), asked())).rejects.toThrow("never overwritten");
});
