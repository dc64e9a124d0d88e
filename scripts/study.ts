/**
 * `npm run study`: the default recipe against safety tuning alone over several seeds, on the starter set's test split
 * and on published suites that nothing is trained or chosen on. A cell is one method with one seed, a run and a process of
 * its own; `--jobs` has several at work at a time. What is interrupted or fails is resumed by the same command, and one
 * report comes at the end. The published files are not shipped: `--data` or `DISCERN_DATA` names their folder
 * (docs/formats.md, "Published files"), and nothing is fetched or trained before all of them are found.
 */
import { createWriteStream, existsSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { isDeepStrictEqual } from "node:util";
import { Command, InvalidArgumentError, Option } from "commander";
import { execa } from "execa";
import { publishedFile, publishedSource } from "../src/dataset/published.ts";
import { requireRunFiles } from "../src/engine/run/prompts.ts";
import { DiscernError } from "../src/protocol/errors.ts";
import type { Recipe } from "../src/protocol/recipe.ts";
import type { SourceInput } from "../src/protocol/source.ts";
import { loadRecipe } from "../src/recipe/loadRecipe.ts";
import { parseRecipe } from "../src/recipe/recipeFile.ts";
import { duration } from "../src/wording/numbers.ts";

const root = join(import.meta.dirname, "..");
const flags = new Command("study")
  .option("--seeds <list>", "seeds, one run of each method per seed", seeds, [0, 1, 2])
  .option("--model <model>", "model folder, GGUF file, or name of a pulled model", "smollm2-135m")
  .addOption(new Option("--data <folder>", "folder with the published prompt files").env("DISCERN_DATA"))
  .option("--out <folder>", "folder of the study", join(root, "runs/study"))
  .option("--set <key=value...>", "change a key of both recipes", [])
  .option("--jobs <n>", "cells at work at a time", count, 1)
  .option(
    "--only <cells>",
    "run these cells alone, such as dcr-0,stl-2; the others may run elsewhere",
    names,
    [],
  )
  .parse()
  .opts<{
    seeds: number[];
    model: string;
    data?: string;
    out: string;
    set: string[];
    jobs: number;
    only: string[];
  }>();
const out = resolve(flags.out);

const published = (file: string, source: Omit<SourceInput, "file">) => ({
  file: resolve(flags.data ?? ".", file),
  ...source,
});
const suites: { name: string; source: SourceInput }[] = [
  { name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } },
  { name: "xstest", source: published("xstest_v2_prompts.csv", { format: "xstest", limit: 200 }) },
  { name: "oktest", source: published("oktest.csv", { format: "oktest", limit: 150 }) },
  { name: "malicious", source: published("I-MaliciousInstructions.json", { format: "stl", label: "toxic" }) },
];

/** One method with one seed: a run of its own. */
interface Cell {
  readonly name: string;
  readonly folder: string;
  readonly stlAlone: boolean;
  readonly set: readonly string[];
}

const cells = flags.seeds.flatMap((seed) =>
  ["stl", "dcr"].map((method): Cell => {
    const name = `${method}-${seed}`;
    return {
      name,
      folder: join(out, name),
      stlAlone: method === "stl",
      set: [
        `model=${flags.model}`,
        `seed=${seed}`,
        `evaluate.suites=${JSON.stringify(suites)}`,
        "evaluate.maxNewTokens=32",
        // The untrained model is the same for every seed and method.
        `evaluate.before=${method === "stl" && seed === flags.seeds[0]}`,
        ...flags.set,
      ],
    };
  }),
);
for (const name of flags.only) {
  if (!cells.some((cell) => cell.name === name))
    fail(`--only ${name}: the cells of these seeds are ${cells.map((cell) => cell.name).join(", ")}.`);
}

// Ctrl-C reaches the runs as well, which finish their step and save; no other cell is begun, and this process ends last.
let interrupted = false;
const running = new Set<ReturnType<typeof discern>>();
process.on("SIGINT", () => {
  interrupted = true;
});
process.on("SIGTERM", () => {
  interrupted = true;
  for (const child of running) child.kill("SIGTERM");
});

const asked = cells.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));
const states = new Map<string, "to run" | "to resume" | "finished">();
for (const cell of cells) states.set(cell.name, await stateOf(cell).catch(fail));
const queue = asked.filter(({ name }) => states.get(name) !== "finished");
say(
  `${cells.length} cells in ${shown(out)}, ${Math.min(flags.jobs, queue.length)} at a time:`,
  ...cells.map(
    ({ name }) =>
      `  ${name.padEnd(8)}${asked.some((cell) => cell.name === name) ? states.get(name) : "not asked for"}`,
  ),
);
if (flags.jobs > 1 && !flags.set.some((change) => change.startsWith("threads=")))
  say("Every cell takes a thread per core. With --jobs, --set threads=1 is usually faster.");

if (queue.length > 0 && !existsSync(flags.model)) {
  const { exitCode } = await discern(["pull", flags.model], "inherit");
  if (exitCode !== 0) fail(`The model ${flags.model} could not be fetched.`);
}
const failed: string[] = [];
await Promise.all(Array.from({ length: flags.jobs }, work));

if (interrupted) {
  say("Interrupted. The same command resumes from here.");
  process.exit(130);
}
if (failed.length > 0)
  fail(`Failed: ${failed.join(", ")}. The same command resumes them; there is no report yet.`);
const missing = cells.filter(({ folder }) => !existsSync(join(folder, "report.json")));
if (missing.length > 0) {
  say(`No report yet: ${missing.map(({ name }) => name).join(", ")} are missing.`);
} else {
  const { exitCode } = await discern(
    ["compare", ...cells.map(({ folder }) => folder), "--out", join(out, "report")],
    "inherit",
  );
  if (exitCode !== 0) fail("The report could not be made.");
}

/** Takes cells from the queue and runs one after another. */
async function work(): Promise<void> {
  for (let cell = queue.shift(); cell !== undefined && !interrupted; cell = queue.shift()) {
    const began = performance.now();
    const exitCode = await run(cell);
    const took = duration((performance.now() - began) / 1000);
    // A run that was stopped has saved and exits with 0, too.
    const finished = exitCode === 0 && existsSync(join(cell.folder, "report.json"));
    if (finished) say(`${cell.name} finished in ${took}.`);
    else if (!interrupted) {
      failed.push(cell.name);
      say(`${cell.name} failed after ${took} (exit code ${exitCode}). The others continue.`);
    }
  }
}

/** Runs one cell. Alone it has the terminal; of several each has a log, and what is not a step is told with its name. */
async function run({ name, folder, stlAlone, set }: Cell): Promise<number | undefined> {
  const args = [
    "run",
    "preset:default",
    "--resume",
    ...(stlAlone ? ["--stl-alone"] : []),
    ...set.flatMap((change) => ["--set", change]),
    "--out",
    folder,
  ];
  if (flags.jobs === 1) return (await discern(args, "inherit")).exitCode;
  mkdirSync(out, { recursive: true });
  const log = join(out, `${name}.log`);
  const file = createWriteStream(log, { flags: "a" });
  say(`${name} begins; its log is ${shown(log)}.`);
  const child = discern(args, "pipe");
  const lines = createInterface({ input: child.all as NodeJS.ReadableStream });
  lines.on("line", (line) => {
    file.write(`${line}\n`);
    if (!/^(step|probe|Evaluating) /.test(line)) say(`${name}: ${line}`);
  });
  const { exitCode } = await child;
  file.end();
  return exitCode;
}

function discern(args: readonly string[], output: "inherit" | "pipe") {
  const child = execa(process.execPath, [join(root, "dist/cli.js"), ...args], {
    cwd: root,
    stdin: output === "pipe" ? "ignore" : "inherit",
    stdout: output,
    stderr: output,
    all: true,
    buffer: false,
    reject: false,
  });
  running.add(child);
  void child.finally(() => running.delete(child));
  return child;
}

/**
 * What is left to do of a cell.
 *
 * @throws DiscernError when its recipe is faulty, prompt files that it reads are missing, or its folder holds a run of
 *   another recipe, which a resumed run would go by.
 */
async function stateOf({ folder, stlAlone, set }: Cell): Promise<"to run" | "to resume" | "finished"> {
  const { recipe, root: folderOfPaths } = await loadRecipe("preset:default", { set, stlAlone });
  if (flags.data === undefined) requireNoPublishedSuite(recipe);
  await requireRunFiles(recipe, folderOfPaths);
  const file = join(folder, "recipe.json");
  if (!existsSync(file)) return "to run";
  if (!isDeepStrictEqual(recipe, parseRecipe(await readFile(file, "utf8"), file, { stored: true }))) {
    throw new DiscernError(
      "run-invalid",
      `${folder} holds a run of another recipe (model, --set, --seeds or version). Delete it, or choose another folder with --out.`,
    );
  }
  return existsSync(join(folder, "report.json")) ? "finished" : "to resume";
}

/** @throws DiscernError that lists the published files of the suites, where no folder of such files is named. */
function requireNoPublishedSuite({ evaluate }: Recipe): void {
  const files = evaluate.suites.flatMap(({ source }) => publishedFile(basename(source.file)) ?? []);
  if (files.length === 0) return;
  const list = files.map((file) => `- ${file.file}, from ${publishedSource(file)}`).join("\n");
  throw new DiscernError(
    "file-missing",
    `Name the folder of the published prompt files with --data FOLDER or DISCERN_DATA. It must hold:\n${list}`,
  );
}

function seeds(list: string): number[] {
  const numbers = list.split(",").map((seed) => (/^\d+$/.test(seed) ? Number(seed) : Number.NaN));
  if (numbers.every((n) => Number.isInteger(n) && n >= 0) && new Set(numbers).size === numbers.length)
    return numbers;
  throw new InvalidArgumentError("write different whole numbers, such as 0,1,2.");
}

function count(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n > 0) return n;
  throw new InvalidArgumentError("write a whole number from 1.");
}

function names(list: string): string[] {
  return list.split(",");
}

function shown(path: string): string {
  return relative(process.cwd(), path) || ".";
}

function say(...lines: string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`);
}

function fail(why: unknown): never {
  say(why instanceof Error ? why.message : String(why));
  process.exit(1);
}
