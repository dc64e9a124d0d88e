import { expect, test } from "vitest";
import { QueueRunner, RunQueue } from "../../../src/extension/runs/queue.ts";

function memory() {
  const kept = new Map<string, unknown>();
  return {
    get: <T>(key: string, preset: T) => (kept.get(key) as T | undefined) ?? preset,
    update: async (key: string, value: unknown) => void kept.set(key, structuredClone(value)),
  };
}
const work = (file: string) => ({ kind: "start", file, text: "{}", stlAlone: false }) as const;

/** A queue whose runs are active until they are ended. */
function workshop(kept = memory()) {
  const queue = new RunQueue(kept);
  const started: string[] = [];
  const failed: string[] = [];
  let busy = false;
  const runner = new QueueRunner(queue, {
    isBusy: () => busy,
    start: async ({ name }) => {
      await Promise.resolve();
      if (name === "broken") throw new Error("no such file");
      started.push(name);
      busy = true;
    },
    failed: ({ name }) => failed.push(name),
  });
  const end = () => {
    busy = false;
    return runner.look();
  };
  const begin = () => {
    busy = true;
  };
  return { queue, runner, started, failed, end, begin };
}

test("runs start one after another when the one at work ended; one that cannot start keeps none waiting", async () => {
  const { queue, runner, started, failed, end, begin } = workshop();
  begin();
  for (const name of ["a", "broken", "b"]) queue.add(name, work(`${name}.discern.json`));
  await runner.look();
  expect(started).toEqual([]);
  // Many looks at once start one run.
  await Promise.all([end(), runner.look(), runner.look()]);
  expect(started).toEqual(["a"]);
  expect(queue.waiting.map(({ name }) => name)).toEqual(["broken", "b"]);
  await end();
  expect(failed).toEqual(["broken"]);
  expect(started).toEqual(["a", "b"]);
  await end();
  expect(queue.waiting).toEqual([]);
});

test("a run that was taken out is not started, and is told", async () => {
  const { queue, started, end, begin } = workshop();
  begin();
  const run = queue.add("a", work("a"));
  let told = 0;
  queue.onDidChange(() => told++);
  expect(queue.remove(run)).toBe(true);
  expect(queue.remove(run)).toBe(false);
  expect(told).toBe(1);
  await end();
  expect(started).toEqual([]);
});

test("a queue outlives the window, and waits there until a person or the end of a run lets it go on", async () => {
  const kept = memory();
  const before = workshop(kept);
  before.begin();
  before.queue.add("a", work("a"));
  before.queue.add("b", work("b"));
  const after = workshop(kept);
  expect(after.queue.waiting.map(({ name }) => name)).toEqual(["a", "b"]);
  await after.runner.look();
  expect(after.started).toEqual([]);
  await after.runner.release();
  expect(after.started).toEqual(["a"]);
  // Another window, in which the run of before is still active.
  const reloaded = workshop(kept);
  reloaded.begin();
  await reloaded.runner.look();
  await reloaded.end();
  expect(reloaded.started).toEqual(["b"]);
});
