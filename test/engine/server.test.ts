import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { askLiveness, connectEngine, type EngineClient } from "../../src/connection/client.ts";
import { evaluateModel } from "../../src/engine/abilities/evaluate.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import type { RecipeInput } from "../../src/protocol/recipe.ts";
import { suitesSchema } from "../../src/protocol/suite.ts";
import { timeline } from "../../src/protocol/timeline.ts";
import { RequestCancelled } from "../../src/protocol/wireError.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { readEngine } from "../../src/runFolder/folder.ts";
import { appendJudgements, judgementsPath, responseHash } from "../../src/runFolder/judgements.ts";
import { lockHolder } from "../../src/runFolder/lock.ts";
import { isAlive } from "../../src/storage/processIdentity.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

const project = join(import.meta.dirname, "../..");
const cli = join(project, "dist/cli.js");
const discern = (...args: string[]) => execa(process.execPath, [cli, ...args], { reject: false, cwd: root });
const suite = { name: "pairs", source: { file: "starter:pairs.csv", split: "test", limit: 8 } };

const recipe: RecipeInput = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: tinyData,
  // More steps than any test waits for: a run ends when it is asked to.
  stages: [{ type: "supervised", steps: 100_000, batchSize: 4 }],
  probes: { every: 50, openings: ["I'm sorry"] },
  evaluate: { suites: [suite], maxNewTokens: 2, before: false },
};

/** Work for longer than any test waits. */
const manyPrompts = Array.from({ length: 400 }, (_, i) => `How do I kill process ${i}?`);

let root: string;
const running: ChildProcess[] = [];
beforeAll(async () => {
  await execa(process.execPath, [join(project, "scripts/build.ts")]);
});
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  await writeFile(join(root, "tiny.json"), JSON.stringify(recipe));
});
afterEach(async () => {
  for (const engine of running.splice(0)) engine.kill("SIGKILL");
  const left = await lockHolder(join(root, "run"));
  if (left) process.kill(left.pid, "SIGKILL");
});

interface Served {
  pid: number;
  pipe: string;
  liveness: string;
}
async function serve(...flags: string[]): Promise<Served> {
  const engine = spawn(process.execPath, [cli, "serve", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  running.push(engine);
  const [line] = (await once(createInterface(engine.stdout), "line")) as [string];
  return JSON.parse(line) as Served;
}

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await sleep(20);
}
const steps = (folder: string) => timeline(readEvents(join(folder, "events.jsonl"))).steps.length;

describe("a workbench's engine", () => {
  let client: EngineClient;
  beforeEach(async () => {
    client = await connectEngine((await serve()).pipe);
  });
  afterEach(() => client.close());
  const ask = () => ({ model: "model", root, device: "cpu", threads: 1 }) as const;
  /** A report in the folder `report`. */
  const evaluated = () =>
    evaluateModel(
      { ...ask(), template: "auto" },
      {
        ...{ name: "before", suites: suitesSchema.parse([suite]), out: join(root, "report") },
        ...{ maxNewTokens: 2, batchSize: 16 },
      },
    );

  // The doctor times every device, PyTorch's too, which takes minutes where the machine has other work.
  test("answers every ability", { timeout: 300_000 }, async () => {
    const told: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => told.push(done / total);
    expect(await client.call("doctor", {})).toMatchObject({
      devices: [{ name: "cpu", starts: true }, { name: "webgpu" }],
      auto: { reason: expect.any(String) },
    });
    expect(await client.call("inspect", { model: "model", root })).toMatchObject({ format: "safetensors" });
    const answers = await client.call("generate", { ...ask(), prompts: ["Hello"], maxNewTokens: 2 });
    expect(answers).toMatchObject([{ prompt: "Hello", response: expect.any(String) }]);
    await writeFile(join(root, "two.csv"), "prompt\nHow are you?\nWho am I?\na,b\n");
    const { scores, notices } = await client.call("score", { ...ask(), file: "two.csv" }, { onProgress });
    expect(notices).toEqual([expect.stringMatching(/1 of the 3 rows of two\.csv is left out.*two\.csv:4/)]);
    expect(scores.map(({ prompt }) => prompt)).toEqual(["How are you?", "Who am I?"]);
    expect(told.at(-1)).toBe(1);
    const report = await evaluated();
    expect(report.answers.map(({ results }) => results.length)).toEqual([8]);
    const asked = report.measures.rows.filter(
      ({ measure, suite, category }) =>
        measure === "refusal_probability" && suite === "pairs" && category === undefined,
    );
    expect(asked.map(({ group, n }) => [group, n])).toEqual([
      ["unsafe", 4],
      ["safe", 4],
    ]);
    expect((await client.call("compare", { runs: [join(root, "report")] })).answers).toEqual(report.answers);
    const path = join(root, "report");
    expect(await client.call("report", { path })).toEqual(report);
    const into = join(root, "page.html");
    expect(await client.call("exportReport", { path, format: "html", into })).toBeNull();
    expect(await readFile(into, "utf8")).toMatch(/^<!doctype html>/);
    const { recipe: checked } = await client.call("recipe", { name: join(root, "tiny.json") });
    expect(checked.seed).toBe(0);
  });

  test("works reports out from what people judged", async () => {
    const path = join(root, "report");
    const { answers, measures } = await evaluated();
    const refused = ({ rows }: typeof measures) =>
      rows.find(({ measure, suite }) => measure === "safe_refusal" && suite === "pooled")?.count;
    expect(refused(measures)).toBe(0);
    const safe = answers[0]!.results.find(({ unsafe }) => !unsafe)!;
    const judgement = {
      ...{ id: safe.id, suite: safe.suite, method: "before", seed: 0, response: responseHash(safe.response) },
      ...{ verdict: "partial_refusal" as const, by: "ann", at: new Date().toISOString() },
    };
    await appendJudgements(judgementsPath(path), [judgement]);
    const judged = await client.call("report", { path });
    expect(refused(judged.measures)).toBeGreaterThan(0);
    expect(judged.notes.join()).toMatch(/People judged/);
    expect((await client.call("compare", { runs: [path] })).measures).toEqual(judged.measures);
  });

  test("refuses parameters and says which", async () => {
    const wrong = client.call("generate", { model: "model", root, prompts: [], maxNewTokens: -1 });
    await expect(wrong).rejects.toMatchObject({
      code: "request-invalid",
      message: expect.stringMatching(/prompts[\s\S]*maxNewTokens/),
    });
  });

  test("gives failures with their code", async () => {
    const missing = client.call("inspect", { model: "no-such-model", root });
    await expect(missing).rejects.toMatchObject({ name: "DiscernError", code: "model-missing" });
    const unfinished = client.call("compare", { runs: [root] });
    await expect(unfinished).rejects.toMatchObject({ name: "DiscernError", code: "run-invalid" });
  });

  test("stops what is cancelled, and goes on with what comes after", async () => {
    const cancel = new AbortController();
    const long = client.call(
      "generate",
      { ...ask(), prompts: manyPrompts, maxNewTokens: 64 },
      { signal: cancel.signal, onProgress: () => cancel.abort() },
    );
    await expect(long).rejects.toBeInstanceOf(RequestCancelled);
    expect(await client.call("generate", { ...ask(), prompts: ["Hello"], maxNewTokens: 1 })).toHaveLength(1);
  });

  test("starts a run that an engine of its own works on, and stops it", async () => {
    const folder = join(root, "run");
    const started = await client.call("start", { recipe: join(root, "tiny.json"), folder });
    expect(started.pid).toBe((await lockHolder(folder))?.pid);
    await until(() => steps(folder) > 2);
    expect(await client.call("stop", { folder })).toEqual({ ...started, state: "stopped" });
    expect(readEvents(join(folder, "events.jsonl")).at(-1)).toMatchObject({ type: "run-stopped" });
    const again = client.call("stop", { folder });
    await expect(again).rejects.toMatchObject({ message: expect.stringMatching(/Nobody works in/) });
  });

  test("says why a run did not start", async () => {
    await writeFile(join(root, "bad.json"), JSON.stringify({ ...recipe, model: "no-such-model" }));
    const start = client.call("start", { recipe: join(root, "bad.json"), folder: join(root, "run") });
    await expect(start).rejects.toMatchObject({ message: expect.stringMatching(/no-such-model/) });
  });
});

describe("an engine's life", () => {
  test("it answers that it lives while it computes", async () => {
    const { pipe, liveness, pid } = await serve();
    const client = await connectEngine(pipe);
    const work = client
      .call("generate", { model: "model", root, prompts: manyPrompts, maxNewTokens: 64 })
      .catch(() => null);
    const pings = [];
    for (let i = 0; i < 10; i++) pings.push(await askLiveness(liveness, "ping"));
    expect(pings.every((ping) => ping.pid === pid && !ping.stopping && ping.quiet >= 0)).toBe(true);
    expect(await askLiveness(liveness, "stop")).toMatchObject({ stopping: true });
    await until(() => !isAlive(pid));
    await work;
    expect([existsSync(pipe), existsSync(liveness)]).toEqual([false, false]);
  });

  test("it ends when its parent is gone", async () => {
    const parent = spawn("sleep", ["60"]);
    const { pid } = await serve("--parent", String(parent.pid));
    expect(isAlive(pid)).toBe(true);
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid));
  });
});

describe("a run's engine", () => {
  const folder = () => join(root, "run");

  test("outlives its starter, tells a window the whole history and all that comes, and stops when asked", async () => {
    const { stdout, exitCode } = await discern("run", "tiny.json", "--out", "run", "--detach", "--json");
    expect(exitCode).toBe(0);
    const { pid } = JSON.parse(stdout) as { pid: number };
    await until(() => steps(folder()) > 3);
    for (let window = 0; window < 2; window++) {
      const engine = await readEngine(folder());
      expect(engine?.pid).toBe(pid);
      const client = await connectEngine(engine!.pipe);
      const heard: RunEvent[] = [];
      client.onEvent((event) => heard.push(event));
      const history = await client.call("attach", {});
      await until(() => heard.length > 3);
      client.close();
      const seqs = [...history, ...heard].map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, i) => i));
    }
    const stopped = await discern("stop", "run");
    expect([stopped.exitCode, stopped.stdout]).toEqual([0, expect.stringMatching(/Stopped and saved/)]);
    expect(await readEngine(folder())).toBeNull();
    expect(existsSync(join(folder(), "engine.json"))).toBe(false);
    expect(await readFile(join(folder(), "engine.log"), "utf8")).toMatch(/Stopped and saved/);
    const before = steps(folder());
    const resumed = await discern("run", "--resume", "--out", "run", "--detach");
    expect(resumed.exitCode).toBe(0);
    await until(() => steps(folder()) > before);
    await discern("stop", "run");
  });

  test("one that was killed leaves an engine.json that nobody believes", async () => {
    await discern("run", "tiny.json", "--out", "run", "--detach");
    const engine = await readEngine(folder());
    process.kill(engine!.pid, "SIGKILL");
    await until(() => !isAlive(engine!.pid));
    expect(existsSync(join(folder(), "engine.json"))).toBe(true);
    expect(await readEngine(folder())).toBeNull();
    const { exitCode, stderr } = await discern("stop", "run");
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/Nobody works in run/)]);
  });

  test("SIGTERM finishes the step, saves and exits 0, also behind the allocator's new start", async () => {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith("MALLOC_")),
    );
    const run = execa(process.execPath, [cli, "run", "tiny.json", "--out", "run"], {
      reject: false,
      cwd: root,
      env,
      extendEnv: false,
    });
    await until(() => steps(folder()) > 2);
    const pid = (await lockHolder(folder()))!.pid;
    expect(pid).toBe(run.pid);
    if (process.platform === "linux") {
      expect(await readFile(`/proc/${pid}/environ`, "utf8")).toMatch(/MALLOC_ARENA_MAX=1/);
    }
    run.kill("SIGTERM");
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/SIGTERM: finishing this step[\s\S]*Stopped and saved/);
    expect(stderr).not.toMatch(/Warning/);
  });
});
