import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { RunEventOf } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import type { CostPart } from "../../../src/protocol/report/benchmark.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";
import { addUsage, nothingSpent } from "../../../src/protocol/spent.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";
import { type Got, said, service } from "../endpoint/service.ts";

const price = { input: 2, output: 8 };
/** What a reply of the service costs by these prices. */
const each = (100 * price.input + 10 * price.output) / 1e6;
const safety = 6;

/** A recipe of which one service makes triggers and judges answers. */
const recipeOf = (url: string): RecipeInput => ({
  ...{ name: "paid", model: "model", device: "cpu", threads: 1, maxTokens: 512 },
  data: {
    ...tinyData,
    safety: [{ file: "starter:pairs.csv", split: "train", labels: ["toxic"], limit: safety, answer: "No." }],
    helpfulAnswers: { type: "self-distilled", samples: 8, maxNewTokens: 48 },
    triggers: { type: "endpoint", url, model: "writer", concurrency: 2, price },
  },
  stages: [
    { type: "supervised", steps: 2, batchSize: 4, triggers: true, train: { method: "lora", rank: 4 } },
  ],
  probes: { every: 20, openings: ["I'm sorry", "I cannot"] },
  evaluate: {
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 12 } }],
    judges: [{ type: "endpoint", url, model: "reader", concurrency: 2, price }],
    ...{ before: false, maxNewTokens: 8, batchSize: 8 },
  },
});

/** Words that the service was asked to do: to write a trigger, or to read an answer. */
const isWriting = ({ body }: Got) => body.model === "writer";

/** A folder with a tiny model and its own verdicts, and a service that makes it wait so long that it can be killed. */
async function workplace() {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  await mkdir(join(root, "verdicts"));
  const { url, got } = await service(async (one, n) => {
    await sleep(60);
    return isWriting(one) ? said(`May I ask about harmless thing ${n}?`) : said("1");
  });
  const recipe = recipeOf(url);
  await writeFile(join(root, "recipe.json"), JSON.stringify(recipe));
  return { root, got, recipe };
}

/** Runs the recipe as a process of its own, which is killed once the service got so many requests; all of it where left out. */
async function process(root: string, got: readonly Got[], until?: (got: readonly Got[]) => boolean) {
  const child = spawn(globalThis.process.execPath, [join(import.meta.dirname, "makingChild.ts"), root], {
    stdio: "inherit",
    env: { ...globalThis.process.env, DISCERN_VERDICTS: join(root, "verdicts") },
  });
  const ended = once(child, "exit");
  let killed = false;
  while (child.exitCode === null && !killed) {
    if (until?.(got)) killed = child.kill("SIGKILL");
    else await sleep(5);
  }
  await ended;
  return killed;
}

const reportOf = (folder: string) =>
  reportSchema.parse(JSON.parse(readFileSync(join(folder, "report.json"), "utf8")));
const servicesOf = (parts: readonly CostPart[] = [], part: string) =>
  parts.find((one) => one.part === part)?.services ?? [];

test("what services took adds up over a run that is killed and resumed, and verdicts on disk are not paid", {
  timeout: 180_000,
}, async () => {
  const { root, got, recipe } = await workplace();
  const reading = (all: readonly Got[]) => all.filter((one) => !isWriting(one)).length;
  expect(await process(root, got, (all) => all.filter(isWriting).length >= 3)).toBe(true);
  const making = reading(got);
  expect(making).toBe(0);
  // Killed while the answers that were made are judged, and while those of the suite are.
  expect(await process(root, got, (all) => reading(all) >= 3)).toBe(true);
  const killed = join(root, "killed");
  const events = () => readEvents(join(killed, "events.jsonl"));
  const isJudging = () => events().some((event) => event.type === "service-used" && event.work === "judging");
  expect(await process(root, got, isJudging)).toBe(true);
  expect(await process(root, got)).toBe(false);

  const used = events().filter((event): event is RunEventOf<"service-used"> => event.type === "service-used");
  const { run, notes } = reportOf(killed);
  const writer = servicesOf(run?.costs, "making data").find((one) => one.service === "writer")!;
  const made = servicesOf(run?.costs, "making data").find((one) => one.service === "reader")!;
  const [reader] = servicesOf(run?.costs, "judging");
  // Every request that had a reply is counted; of each of the three kills at most two were under way.
  const requests = writer.requests + made.requests + reader!.requests;
  expect(requests).toBe(used.length);
  expect(requests).toBeLessThanOrEqual(got.length);
  expect(requests).toBeGreaterThanOrEqual(got.length - 3 * 2);
  for (const spent of [writer, made, reader!]) {
    expect(spent).toMatchObject({
      promptTokens: 100 * spent.requests,
      completionTokens: 10 * spent.requests,
      unreported: 0,
    });
    expect(spent.cost).toBeCloseTo(each * spent.requests, 12);
  }
  // Nothing is paid twice, but for what was under way or was not yet on disk when the process was killed.
  expect(writer.requests).toBeGreaterThanOrEqual(safety);
  expect(writer.requests).toBeLessThanOrEqual(safety + 2);
  expect(reader).toMatchObject({ answers: 12, known: 0 });
  expect(reader!.requests).toBeLessThanOrEqual(12 + 2);
  expect(notes.join("\n")).toContain(
    `Judge reader: ${reader!.requests} requests, ${100 * reader!.requests} tokens in and ${10 * reader!.requests} out, cost ` +
      `${(each * reader!.requests).toFixed(4)} by the prices given.`,
  );
  expect(notes.join("\n")).toMatch(/^writer, making data: \d requests, \d+ tokens in and \d+ out, cost/m);

  // Another run of the same model gives the same answers: their verdicts are on disk.
  const before = reading(got);
  globalThis.process.env.DISCERN_VERDICTS = join(root, "verdicts");
  try {
    const again = { folder: join(root, "again"), stop: new Stop() };
    const same = recipeSchema.parse({ ...recipe, stages: [], name: "again" });
    await executeRun(same, root, false, again);
    const first = reading(got) - before;
    const fresh = servicesOf(reportOf(again.folder).run?.costs, "judging");
    expect(fresh).toMatchObject([{ requests: first, answers: 12 }]);
    const third = { folder: join(root, "third"), stop: new Stop() };
    await executeRun(same, root, false, third);
    expect(reading(got) - before).toBe(first);
    const report = reportOf(third.folder);
    expect(servicesOf(report.run?.costs, "judging")).toEqual([
      { ...nothingSpent("reader"), answers: 12, known: 12 },
    ]);
    expect(report.notes).toContain(
      "Judge reader: 0 requests, 0 tokens in and 0 out. 12 of 12 verdicts were on disk and cost nothing.",
    );
  } finally {
    delete globalThis.process.env.DISCERN_VERDICTS;
  }
});

test("usages of one service are one, and a cost is kept where only some of them had prices", () => {
  const some = { requests: 2, promptTokens: 5, completionTokens: 1, unreported: 1, cost: null };
  expect(addUsage(addUsage(some, { ...some, cost: 0.5 }), some)).toEqual({
    ...{ requests: 6, promptTokens: 15, completionTokens: 3, unreported: 3, cost: 0.5 },
  });
});
