/**
 * `npm run bench`: how long Discern's work takes and how much memory; with `--against torch` beside PyTorch,
 * transformers and peft doing the same work by turns in the same run, and with `--ours` beside another version of Discern. Never
 * part of the tests.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { makeEnvironment, planEnvironment } from "../../src/engine/python/environment.ts";
import { realModelPath } from "../realModel.ts";
import { type Corpus, readCorpus } from "./corpus.ts";
import { peers } from "./peers.ts";
import { type Request, Side } from "./side.ts";
import { commandSeconds, startup } from "./startup.ts";
import { type Measurement, type Timed, tables } from "./table.ts";
import { type Task, tasks } from "./tasks.ts";

const root = join(import.meta.dirname, "../..");
/** Both runtimes' threads wait for more work in a busy loop for a moment after a run; nobody is measured against it. */
const settleMs = 200;

const names = ["startup", ...Object.keys(tasks)];
const options = new Command("bench")
  .addOption(new Option("--against <what>", "measure the same work in PyTorch too").choices(["torch"]))
  .option("--peers <names>", `ways of running PyTorch: some of ${Object.keys(peers)}`, "f32,bf16-compiled")
  .option(
    "--ours <name=file...>",
    "another version of Discern beside this one, by turns: a name and the test/bench/ours.ts of its checkout",
    (text: string, before: string[]) => [...before, text],
    [] as string[],
  )
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
    peers: string;
    ours: string[];
    tasks: string;
    repeat: string;
    threads: string;
    device: "cpu" | "webgpu";
    model?: string;
  }>();

const chosen = options.tasks.split(",");
const chosenPeers = options.against ? options.peers.split(",") : [];
const versions = options.ours.map((text) => text.split("=", 2));
const repeat = Number(options.repeat);
refuseUnknown("task", chosen, names);
refuseUnknown("way of running PyTorch", chosenPeers, Object.keys(peers));
if (!(repeat >= 1)) refuse("--repeat is 1 or more.");
for (const [name, file] of versions) {
  if (!name || !file || !existsSync(file)) refuse(`--ours ${name}=${file ?? ""} names no file.`);
}
/** Python with torch, transformers and peft: the one that is named, else the environment that Discern makes, with the peer's packages. */
const python = options.against ? process.env.DISCERN_PYTHON || (await madePython()) : "";

/** What PyTorch said of its versions. */
let torch = "";
const corpus = await readCorpus(await singleFile(options.model ?? (await realModelPath())));
const measurements: Measurement[] = [];
for (const name of chosen) {
  console.error(`${name} …`);
  const found = name === "startup" ? measureStartup(corpus) : [await measure(tasks[name], corpus)];
  console.error(tables(found));
  measurements.push(...found);
}
const machine = [
  `${cpus()[0].model}, ${options.threads} threads, ${options.device}, Node ${process.version}`,
  ...(torch ? [torch] : []),
].join("; ");
console.log(`${machine}; medians of ${repeat} runs (least–most)\n\n${tables(measurements)}`);
const folder = join(root, ".cache/bench");
await mkdir(folder, { recursive: true });
const file = join(folder, `${new Date().toISOString().replaceAll(":", "-")}.json`);
await writeFile(file, `${JSON.stringify({ machine, measurements }, null, 2)}\n`);
console.error(`Written to ${file}`);

async function madePython(): Promise<string> {
  const plan = await planEnvironment({ further: join(import.meta.dirname, "peer/requirements.txt") });
  for (const notice of plan.notices) console.error(notice);
  return (await makeEnvironment(plan, { onLine: (line) => console.error(line) })).executable;
}

/** One way of doing a task: a process, the request that prepares it, and how its work compares with Discern's. */
interface Contender {
  readonly title: string;
  readonly side: Side;
  readonly prepare: Request;
  /** How many times as much work Discern does; its seconds are multiplied by it. */
  readonly share: number;
  readonly tolerance: number;
}

/** Discern, other versions of it, and PyTorch in every way that was asked for. */
function contenders(task: Task, from: Corpus): Contender[] {
  const request = ({ task: name, input }: Task["ours"]) => ({
    do: "prepare" as const,
    task: name,
    threads: Number(options.threads),
    device: options.device,
    input: { model: from.model, ...input(from) },
  });
  const discern = [["Discern", join(import.meta.dirname, "ours.ts")], ...versions].map(([title, file]) => ({
    title: title!,
    side: new Side(title!, process.execPath, [file!]),
    prepare: request(task.ours),
    share: 1,
    tolerance: task.tolerance,
  }));
  const torches = chosenPeers.map((name) => {
    const { title, variant, backend } = peers[name]!;
    const tolerance = variant.dtype === "bfloat16" ? task.tolerance16 : task.tolerance;
    const device = "cpu" as const;
    if (backend) {
      const side = new Side(title, process.execPath, [join(import.meta.dirname, "ours.ts")], {
        ...process.env,
        DISCERN_PYTHON: python,
      });
      const prepare = { ...request(task.ours), backend: "torch" as const, device, variant };
      return { title, side, prepare, share: 1, tolerance };
    }
    return {
      title,
      side: new Side(title, python, [join(import.meta.dirname, "peer/peer.py")]),
      prepare: { ...request(task.peer), device, variant },
      share: task.peerShare ?? 1,
      tolerance,
    };
  });
  return [...discern, ...torches];
}

/** Runs all of them by turns, each in a process of its own. */
async function measure(task: Task, from: Corpus): Promise<Measurement> {
  const sides = contenders(task, from);
  const found: (Timed & { seconds: number[]; peakBytes: number })[] = [];
  try {
    let ours: unknown;
    for (const { title, side, prepare, tolerance } of sides) {
      const loaded = await side.ask(prepare);
      torch = loaded.versions ?? torch;
      const first = await side.ask({ do: "run" });
      const second = await side.ask({ do: "run" });
      if (found.length === 0) ours = first.result;
      const difference = task.difference(ours, first.result);
      if (!(difference <= tolerance)) {
        throw new Error(
          `${task.title}: ${title}'s result differs by ${difference}; it did not do the same work.`,
        );
      }
      const warmUpSeconds = loaded.seconds + first.seconds + second.seconds;
      found.push({ title, seconds: [], peakBytes: second.peakBytes, warmUpSeconds, difference });
    }
    for (let round = 0; round < repeat; round++) {
      for (const [i, { side, share }] of sides.entries()) {
        await sleep(settleMs);
        const answer = await side.ask({ do: "run" });
        found[i]!.seconds.push(answer.seconds * share);
        found[i]!.peakBytes = answer.peakBytes;
      }
    }
  } finally {
    await Promise.all(sides.map(({ side }) => side.close()));
  }
  const [ours, ...others] = found;
  return { title: task.title, ours: ours!, others, goal: { against: "PyTorch f32", ...task.goal } };
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
    const others = seconds[1].length > 0 ? [{ title: "PyTorch f32", seconds: seconds[1] }] : [];
    return { title, ours: { title: "Discern", seconds: seconds[0] }, others };
  });
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

function refuseUnknown(what: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(`No ${what} is called "${unknown}". There are: ${known.join(", ")}.`);
}

/** transformers reads a GGUF file, not the folder it lies in. */
async function singleFile(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return path;
  const files = await readdir(path);
  const gguf = files.filter((name) => name.endsWith(".gguf"));
  return !files.includes("config.json") && gguf.length === 1 ? join(path, gguf[0]) : path;
}
