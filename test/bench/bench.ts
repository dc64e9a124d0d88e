/**
 * `npm run bench`: how long Discern's work takes and how much memory; with `--against torch` beside PyTorch,
 * transformers and peft doing the same work by turns in the same run. Never part of the tests.
 */
import { spawnSync } from "node:child_process";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { realModelPath } from "../realModel.ts";
import { type Corpus, readCorpus } from "./corpus.ts";
import { Side } from "./side.ts";
import { commandSeconds, startup } from "./startup.ts";
import { type Measurement, table } from "./table.ts";
import { type Task, tasks } from "./tasks.ts";

const root = join(import.meta.dirname, "../..");
const python = join(root, ".venv/peer", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
/** Both runtimes' threads wait for more work in a busy loop for a moment after a run; nobody is measured against it. */
const settleMs = 200;

const names = ["startup", ...Object.keys(tasks)];
const options = new Command("bench")
  .addOption(new Option("--against <what>", "measure the same work in PyTorch too").choices(["torch"]))
  .option("--tasks <names>", `some of ${names.join(",")}`, names.join(","))
  .option("--repeat <n>", "measured runs of each task, after two that are not", "5")
  .option("--threads <n>", "threads of either side", String(availableParallelism()))
  .addOption(
    new Option("--device <name>", "the device of Discern's side; PyTorch stays on the CPU")
      .choices(["cpu", "webgpu"])
      .default("cpu"),
  )
  .option("--model <path>", "the model (default: SmolLM2-135M-Instruct, fetched where it is missing)")
  .parse()
  .opts<{
    against?: "torch";
    tasks: string;
    repeat: string;
    threads: string;
    device: "cpu" | "webgpu";
    model?: string;
  }>();

const chosen = options.tasks.split(",");
const repeat = Number(options.repeat);
const unknown = chosen.find((name) => !names.includes(name));
if (unknown !== undefined || !(repeat >= 1)) {
  console.error(
    unknown ? `No task is called "${unknown}". There are: ${names.join(", ")}.` : "--repeat is 1 or more.",
  );
  process.exit(2);
}
if (options.against) {
  console.error("Preparing PyTorch (test/bench/peer/install.sh) …");
  const { status } = spawnSync("sh", [join(import.meta.dirname, "peer/install.sh")], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

const corpus = await readCorpus(await singleFile(options.model ?? (await realModelPath())));
const measurements: Measurement[] = [];
for (const name of chosen) {
  console.error(`${name} …`);
  const found = name === "startup" ? measureStartup(corpus) : [await measure(tasks[name], corpus)];
  console.error(table(found));
  measurements.push(...found);
}
const machine = `${cpus()[0].model}, ${options.threads} threads, ${options.device}, Node ${process.version}`;
console.log(`${machine}; medians of ${repeat} runs (least–most)\n\n${table(measurements)}`);
const folder = join(root, ".cache/bench");
await mkdir(folder, { recursive: true });
const file = join(folder, `${new Date().toISOString().replaceAll(":", "-")}.json`);
await writeFile(file, `${JSON.stringify({ machine, measurements }, null, 2)}\n`);
console.error(`Written to ${file}`);

/** Runs both sides by turns, each in a process of its own. */
async function measure(task: Task, from: Corpus): Promise<Measurement> {
  const ours = new Side("Discern", process.execPath, [join(import.meta.dirname, "ours.ts")]);
  const sides = [{ side: ours, ...task.ours }];
  if (options.against) {
    const peer = new Side("PyTorch", python, [join(import.meta.dirname, "peer/peer.py")]);
    sides.push({ side: peer, ...task.peer });
  }
  const seconds: number[][] = sides.map(() => []);
  const peaks: number[] = [];
  const first: unknown[] = [];
  try {
    for (const { side, task: name, input } of sides) {
      const given = { model: from.model, ...input(from) };
      await side.ask({
        do: "prepare",
        task: name,
        threads: Number(options.threads),
        device: options.device,
        input: given,
      });
      first.push((await side.ask({ do: "run" })).result);
      await side.ask({ do: "run" });
    }
    for (let round = 0; round < repeat; round++) {
      for (const [i, { side }] of sides.entries()) {
        await sleep(settleMs);
        const answer = await side.ask({ do: "run" });
        seconds[i].push(answer.seconds);
        peaks[i] = answer.peakBytes;
      }
    }
  } finally {
    await Promise.all(sides.map(({ side }) => side.close()));
  }
  const difference = sides.length > 1 ? task.difference(first[0], first[1]) : undefined;
  if (difference !== undefined && !(difference <= task.tolerance)) {
    throw new Error(
      `${task.title}: the sides' results differ by ${difference}; they did not do the same work.`,
    );
  }
  const peer = (seconds[1] ?? []).map((value) => value * (task.peerShare ?? 1));
  return {
    title: task.title,
    ours: seconds[0],
    peer,
    oursPeakBytes: peaks[0],
    peerPeakBytes: peaks[1],
    goal: task.goal,
    difference,
  };
}

/** Runs whole commands by turns. */
function measureStartup({ model }: Corpus): Measurement[] {
  return Object.entries(startup(model)).map(([title, { ours, peer }]) => {
    const seconds: [number[], number[]] = [[], []];
    for (let round = -1; round < repeat; round++) {
      const mine = commandSeconds(process.execPath, ours);
      const theirs = options.against && peer ? commandSeconds(python, peer) : null;
      // The first round only brings the files into the system's cache.
      if (round < 0) continue;
      seconds[0].push(mine);
      if (theirs !== null) seconds[1].push(theirs);
    }
    return { title, ours: seconds[0], peer: seconds[1] };
  });
}

/** transformers reads a GGUF file, not the folder it lies in. */
async function singleFile(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return path;
  const files = await readdir(path);
  const gguf = files.filter((name) => name.endsWith(".gguf"));
  return !files.includes("config.json") && gguf.length === 1 ? join(path, gguf[0]) : path;
}
