/**
 * `npm run gpu-check`: what a machine's GPU does with Discern, in one table and in under nine minutes: onnx on WebGPU and
 * PyTorch, and beside them plain transformers and peft, on random models of 135 million to 8 billion parameters. Needs no
 * network and no model. `--pack FILE.tar.xz` writes it as an archive for a machine that has neither npm nor Node.js.
 */
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, freemem, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { gpuEnvironment } from "./card.ts";
import type { Context } from "./context.ts";
import { Meter } from "./meter.ts";
import { type Part, partsFor } from "./parts.ts";
import { findPython } from "./python.ts";
import { weightBytes, writeRandomModel } from "./randomModel.ts";
import { markdown, Results } from "./results.ts";
import { shapes } from "./shapes.ts";

const quick = {
  shapes: ["135M"],
  parts: ["machine", "webgpu", "transformers", "torch", "placement"],
  limit: 110,
  partLimit: 40,
  repeat: 3,
};
/** Limits are of no matter where a GPU is imitated. */
const rehearsal = { shapes: ["tiny"], limit: 3600, partLimit: 3600, repeat: 1 };
const full = { shapes: ["135M", "1.5B", "8B"], limit: 480, repeat: 3 };
const partNames = [...new Set(partsFor(Object.keys(shapes)).map(({ name }) => name))];

const given = new Command("gpu-check")
  .option(
    "--shapes <names>",
    `some of ${Object.keys(shapes).join(",")} (default: ${full.shapes.join(",")})`,
    list(Object.keys(shapes)),
  )
  .option("--parts <names>", `some of ${partNames.join(",")} (default: all)`, list(partNames))
  .option("--limit <seconds>", `seconds in all (default: ${full.limit})`, positive)
  .option(
    "--repeat <n>",
    `measured runs of each task, after one or two that are not (default: ${full.repeat})`,
    positive,
  )
  .option("--threads <n>", "threads on the CPU", positive)
  .option("--quick", `the smallest shape and ${quick.parts.join(", ")} in ${quick.limit} seconds`)
  .option("--rehearse", "a tiny shape on SwiftShader and PyTorch's CPU, for a machine without a GPU")
  .option("--out <folder>", "where gpu-check.md and gpu-check.json are written", ".cache/gpu-check")
  .option(
    "--folder <folder>",
    "where the models are written while it runs (default: in memory where there is room)",
  )
  .option(
    "--pack <file>",
    "write this check as an archive for a machine without Node.js, and measure nothing",
  )
  .parse()
  .opts<{
    shapes?: string[];
    parts?: string[];
    limit?: number;
    repeat?: number;
    threads?: number;
    quick?: true;
    rehearse?: true;
    out: string;
    folder?: string;
    pack?: string;
  }>();

if (given.pack !== undefined) {
  // What is packed cannot pack.
  const { pack } = await import("./pack.ts");
  console.log(await pack(resolve(given.pack)));
  process.exit(0);
}

const chosen: typeof full & typeof given & { parts: string[]; partLimit?: number } = {
  ...full,
  parts: partNames,
  ...(given.quick && quick),
  ...(given.rehearse && rehearsal),
  ...given,
};
const began = performance.now();
const left = () => chosen.limit - (performance.now() - began) / 1000;
await mkdir(chosen.out, { recursive: true });
const results = new Results(chosen.out);
const models = await mkdtemp(join(given.folder ?? (await roomiest()), "discern-gpu-check-"));
const written = new Map<string, Promise<string>>();
const env = gpuEnvironment(given.rehearse === true);
const python = await findPython();
const meter = new Meter();
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error("The check was interrupted"));
  });
}

try {
  for (const part of partsFor(chosen.shapes).filter(({ name }) => chosen.parts.includes(name))) {
    if (interrupted.signal.aborted) break;
    await runPart(part);
  }
} finally {
  meter.stop();
  await rm(models, { recursive: true, force: true });
}
console.log(markdown(results.found));
console.error(`\n${((performance.now() - began) / 1000).toFixed(0)} s; written to ${resolve(chosen.out)}`);
const bad = results.found.failures.length + results.found.checks.filter(({ holds }) => !holds).length;
process.exit(interrupted.signal.aborted ? 130 : bad > 0 ? 1 : 0);

/** Runs a part within its time, and writes down why where it fails. */
async function runPart({ title, limit, run }: Part): Promise<void> {
  const seconds = Math.min(chosen.partLimit ?? limit, left());
  if (seconds < 5) {
    await results.failure({ part: title, message: `the ${chosen.limit} seconds were over` });
    return;
  }
  console.error(`${title} (at most ${seconds.toFixed(0)} s) …`);
  const start = performance.now();
  const over = AbortSignal.timeout(Math.round(seconds * 1000));
  const signal = AbortSignal.any([over, interrupted.signal]);
  const context: Context = {
    results,
    meter,
    env,
    python,
    torchDevice: given.rehearse ? "cpu" : "cuda",
    threads: given.threads ?? availableParallelism(),
    repeat: chosen.repeat,
    model: modelFolder,
    signal,
  };
  try {
    await run(context);
  } catch (error) {
    const message = over.aborted
      ? `it took more than ${seconds.toFixed(0)} seconds`
      : error instanceof Error
        ? error.message
        : String(error);
    await results.failure({ part: title, message });
    console.error(`${title}: ${message.split("\n")[0]}`);
  }
  console.error(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

function modelFolder(shape: string): Promise<string> {
  let folder = written.get(shape);
  if (!folder) {
    folder = (async () => {
      const path = join(models, shape);
      await mkdir(path);
      const start = performance.now();
      await writeRandomModel(path, shapes[shape]!);
      console.error(`Random ${shape} model: ${((performance.now() - start) / 1000).toFixed(1)} s`);
      return path;
    })();
    written.set(shape, folder);
  }
  return folder;
}

/** Memory where it holds the models twice over, for it takes no time to write and read there; else the folder for temporary files. */
async function roomiest(): Promise<string> {
  const needed = chosen.shapes.reduce((sum, shape) => sum + weightBytes(shapes[shape]!), 0);
  const memory = "/dev/shm";
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return Math.min(bavail * bsize, freemem() / 2) > 1.2 * needed ? memory : tmpdir();
}

function list(known: readonly string[]) {
  return (text: string): string[] => {
    const names = text.split(",");
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`There are: ${known.join(", ")}; not "${unknown}".`);
    return names;
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It is a number above 0.");
  return value;
}
