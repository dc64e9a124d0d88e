import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectEngine } from "../../src/connection/client.ts";
import type { RecipeInput } from "../../src/protocol/recipe.ts";
import { timeline } from "../../src/protocol/timeline.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { readEngine } from "../../src/runFolder/folder.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

const project = join(import.meta.dirname, "../..");
const cli = join(project, "dist/cli.js");

/** A suite that would take minutes, before training and after it. */
const recipe: RecipeInput = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: tinyData,
  stages: [{ type: "supervised", steps: 3, batchSize: 4 }],
  probes: { every: 1000, openings: ["I'm sorry"] },
  evaluate: {
    suites: [{ name: "large", source: { file: "starter:pairs.csv" } }],
    maxNewTokens: 100,
    batchSize: 8,
  },
};

let root: string;
const running: ChildProcess[] = [];
beforeAll(async () => {
  await execa(process.execPath, [join(project, "scripts/build.ts")]);
});
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
  await writeRecipe(recipe);
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

const writeRecipe = (own: RecipeInput) => writeFile(join(root, "tiny.json"), JSON.stringify(own));
const folder = () => join(root, "run");
const events = () => readEvents(join(folder(), "events.jsonl"));
const discern = (...args: string[]) => execa(process.execPath, [cli, ...args], { reject: false, cwd: root });

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [cli, "run", ...args, "--out", "run"], { cwd: root, stdio: "pipe" });
  running.push(child);
  return child;
}

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await sleep(10);
}

/** Batches of the large suite whose answers or scores were kept. */
function batches(): number {
  const place = join(folder(), "evaluation");
  if (!existsSync(place)) return 0;
  const files = readdirSync(place, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".part.jsonl"),
  );
  return files.reduce(
    (sum, name) => sum + readFileSync(join(place, name), "utf8").trim().split("\n").length,
    0,
  );
}

describe("while a large suite is answered", () => {
  test.each(["stop", "SIGTERM", "SIGINT", "SIGHUP", "attach"] as const)(
    "%s ends the run within one batch, and what was answered is kept",
    async (way) => {
      const run = start("tiny.json");
      const ended = once(run, "exit");
      await until(() => batches() > 3);
      let at: number;
      if (way === "stop") {
        // The answer says that the wish was taken; a batch may be under way then, and no second one begins.
        const { askLiveness } = await import("../../src/connection/client.ts");
        await askLiveness((await readEngine(folder()))!.liveness, "stop");
        at = batches();
      } else if (way === "attach") {
        const client = await connectEngine((await readEngine(folder()))!.pipe);
        await client.call("stop", { folder: folder() });
        at = batches();
        client.close();
      } else {
        let said = "";
        run.stderr!.on("data", (chunk) => {
          said += chunk;
        });
        run.kill(way);
        await until(() => said.includes(`${way}: finishing`));
        at = batches();
      }
      expect(await ended).toEqual([0, null]);
      expect(batches() - at).toBeLessThanOrEqual(1);
      expect(batches()).toBeLessThan(60);
      expect(events().at(-1)).toMatchObject({ type: "run-stopped", stage: 0, step: 0 });
      const kept = batches();
      const again = start("--resume");
      await until(() => batches() > kept);
      again.kill("SIGTERM");
      await once(again, "exit");
      expect(events().filter(({ type }) => type === "resumed")).toHaveLength(1);
    },
  );
});

describe("signals", () => {
  beforeEach(() =>
    writeRecipe({
      ...recipe,
      stages: [{ type: "supervised", steps: 100_000, batchSize: 4 }],
      evaluate: { ...recipe.evaluate, before: false },
    }),
  );
  const steps = () => timeline(events()).steps.length;

  test("that a terminal sends twice, or npm passes on, end nothing at once", async () => {
    const run = start("tiny.json");
    const ended = once(run, "exit");
    await until(() => steps() > 1);
    for (const signal of ["SIGINT", "SIGINT", "SIGHUP", "SIGHUP"] as const) run.kill(signal);
    expect(await ended).toEqual([0, null]);
    expect(events().at(-1)).toMatchObject({ type: "run-stopped" });
  });

  test("of a terminal that is gone, with its output, save the run", async () => {
    const run = start("tiny.json");
    const ended = once(run, "exit");
    await until(() => steps() > 1);
    run.stdout!.destroy();
    run.stderr!.destroy();
    run.kill("SIGHUP");
    expect(await ended).toEqual([0, null]);
    expect(events().at(-1)).toMatchObject({ type: "run-stopped" });
  });
});

describe("a reader that goes away", () => {
  test("does not end a run, nor does it see a stack trace", async () => {
    await writeRecipe({
      ...recipe,
      evaluate: { ...recipe.evaluate, before: false, suites: [] },
    });
    const run = start("tiny.json", "--json");
    let said = "";
    run.stderr!.on("data", (chunk) => {
      said += chunk;
    });
    run.stdout!.once("data", () => run.stdout!.destroy());
    expect(await once(run, "exit")).toEqual([0, null]);
    expect(said).not.toMatch(/EPIPE|\n\s+at /);
    expect(events().at(-1)).toMatchObject({ type: "run-finished" });
  });

  test("ends a watch", async () => {
    await writeRecipe({
      ...recipe,
      stages: [{ type: "supervised", steps: 100_000, batchSize: 4 }],
      evaluate: { ...recipe.evaluate, before: false },
    });
    start("tiny.json");
    await until(() => timeline(events()).steps.length > 1);
    const watch = spawn(process.execPath, [cli, "watch", "run", "--json"], { cwd: root, stdio: "pipe" });
    running.push(watch);
    let said = "";
    watch.stderr.on("data", (chunk) => {
      said += chunk;
    });
    watch.stdout.once("data", () => watch.stdout.destroy());
    expect(await once(watch, "exit")).toEqual([0, null]);
    expect(said).toBe("");
  });
});

test("a run that was killed is interrupted to whoever watches it, then or later, and is resumed", async () => {
  await writeRecipe({
    ...recipe,
    stages: [{ type: "supervised", steps: 100_000, batchSize: 4 }],
    evaluate: { ...recipe.evaluate, before: false },
  });
  const run = start("tiny.json");
  await until(() => timeline(events()).steps.length > 1);
  const watching = discern("watch", "run", "--json");
  await sleep(500);
  run.kill("SIGKILL");
  const words = /^Interrupted: nobody works on it any more.* Resume with: discern run --resume --out run$/m;
  for (const watch of [watching, discern("watch", "run", "--json")]) {
    const { exitCode, stdout, stderr } = await watch;
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(words)]);
    expect(stdout.split("\n").map((line) => JSON.parse(line))).toEqual(events());
  }
  // There is nobody to wait for.
  const stop = await discern("stop", "run");
  expect([stop.exitCode, stop.stderr]).toEqual([1, expect.stringMatching(/^discern: Nobody works in run/)]);
  const steps = timeline(events()).steps.length;
  start("--resume");
  await until(() => timeline(events()).steps.length > steps);
  const again = discern("watch", "run", "--json");
  await discern("stop", "run");
  expect((await again).exitCode).toBe(0);
});

test.each([
  ["--set", "stages.0.steps=8"],
  ["--stl-alone", ""],
])("%s is refused where a run is resumed by its own recipe", async (flag, value) => {
  for (const detach of [[], ["--detach"]]) {
    const flags = [flag, ...(value ? [value] : []), ...detach];
    const { exitCode, stderr } = await discern("run", "--resume", "--out", "run", ...flags);
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/resumed by its own recipe/)]);
    expect(stderr).toContain([flag, value].filter(Boolean).join(" "));
  }
});
