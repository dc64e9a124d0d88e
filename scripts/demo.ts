/**
 * `npm run demo`: safety tuning alone (STL) and contrastive refinement before it (DCR → STL) on a small real model, from
 * the same seed and data, and one report that compares both with the model before training. What is run, and for how
 * long, is `preset:demo`. Each arm is a process of its own, so that its memory is given back. A demo that was interrupted
 * goes on where it was.
 */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Command } from "commander";
import { execa } from "execa";
import { requireRunFiles } from "../src/engine/run/prompts.ts";
import { DiscernError } from "../src/protocol/errors.ts";
import { type Report, reportSchema } from "../src/protocol/report.ts";
import { loadRecipe } from "../src/recipe/loadRecipe.ts";
import { parseRecipe } from "../src/recipe/recipeFile.ts";
import { greatestOf } from "../src/statistics/extremes.ts";
import { duration, estimate } from "../src/wording/numbers.ts";

const flags = new Command("demo")
  .option("--model <model>", "model folder, GGUF file, or name of a model to pull", "smollm2-135m")
  .option("--out <folder>", "folder of the demo", join(import.meta.dirname, "../runs/demo"))
  .option("--set <key=value...>", "change a key of preset:demo", [])
  .parse()
  .opts<{ model: string; out: string; set: string[] }>();
const out = resolve(flags.out);

/** Both arms answer the test split; the model before training is the same for both and answers once. */
const arms = [
  { folder: join(out, "stl"), stlAlone: true, set: ["evaluate.before=true"] },
  { folder: join(out, "dcr"), stlAlone: false, set: ["evaluate.before=false"] },
].map(({ set, ...arm }) => ({ ...arm, set: [`model=${flags.model}`, ...set, ...flags.set] }));

// Ctrl-C reaches the run as well, which finishes its step and saves; this process waits for it and ends after it.
let interrupted = false;
process.on("SIGINT", () => {
  interrupted = true;
});
process.on("SIGTERM", () => {
  interrupted = true;
  running?.kill("SIGTERM");
});
let running: ReturnType<typeof discern> | null = null;

const began = performance.now();
// Before a model is fetched.
for (const { folder, stlAlone, set } of arms) await checkRecipe(folder, set, stlAlone);
if (!existsSync(flags.model)) await step(["pull", flags.model], "ignore");
for (const { folder, stlAlone, set } of arms) {
  // The answers of a finished run are its report; it need not be opened again.
  if (existsSync(join(folder, "report.json"))) continue;
  const changes = set.flatMap((each) => ["--set", each]);
  const alone = stlAlone ? ["--stl-alone"] : [];
  await step(["run", "preset:demo", ...alone, ...changes, "--resume", "--out", folder]);
}
const folders = arms.map(({ folder }) => folder);
await step(["compare", ...folders, "--out", join(out, "report")], "ignore");
const report = reportSchema.parse(JSON.parse(await readFile(join(out, "report/report.json"), "utf8")));
const page = relative(process.cwd(), join(out, "report/report.html"));
process.stdout.write(
  `\n${table(report)}\n\nReport: ${page} (also .md and .json)\n` +
    `Runs: ${folders.map((folder) => relative(process.cwd(), folder)).join(", ")}\n` +
    `This took ${duration((performance.now() - began) / 1000)}.\n`,
);

function discern(args: readonly string[], stdout: "inherit" | "ignore") {
  const program = join(import.meta.dirname, "../dist/cli.js");
  return execa(process.execPath, [program, ...args], {
    stdio: ["inherit", stdout, "inherit"],
    reject: false,
  });
}

/** Runs one command to its end. Ends this process where the command failed or was interrupted. */
async function step(args: readonly string[], stdout: "inherit" | "ignore" = "inherit"): Promise<void> {
  running = discern(args, stdout);
  const { exitCode, failed } = await running;
  running = null;
  if (interrupted) {
    process.stderr.write("Interrupted. `npm run demo` resumes from here.\n");
    process.exit(130);
  }
  if (failed) process.exit(exitCode ?? 1);
}

/**
 * Ends this process, with the reason, where the recipe is faulty, prompt files that it reads are missing, or the folder
 * holds a run of another recipe: a run is resumed by its own, and the demo would show something else.
 */
async function checkRecipe(folder: string, set: readonly string[], stlAlone: boolean): Promise<void> {
  const file = join(folder, "recipe.json");
  try {
    const { recipe, root } = await loadRecipe("preset:demo", { set, stlAlone });
    await requireRunFiles(recipe, root);
    if (!existsSync(file)) return;
    if (isDeepStrictEqual(recipe, parseRecipe(await readFile(file, "utf8"), file, { stored: true }))) return;
    throw new DiscernError(
      "run-invalid",
      `${folder} holds a run of another recipe (model, --set or version). Delete it, or choose another folder with --out.`,
    );
  } catch (error) {
    if (!(error instanceof DiscernError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** Refusals of both groups and discernment, an arm a row. */
function table({ arms, suites, discernment }: Report): string {
  const rows = arms.map(({ name, seed }) => {
    const suite = suites.find((one) => one.arm === name && one.seed === seed);
    const auroc = discernment.find((one) => one.arm === name && one.seed === seed)?.auroc;
    return [
      name,
      estimate(suite?.unsafe?.rate, "share"),
      estimate(suite?.safe?.rate, "share"),
      estimate(auroc),
    ];
  });
  const header = ["", "toxic refused", "seemingly toxic refused", "discernment (AUROC)"];
  const widths = header.map((title, i) => greatestOf([title.length, ...rows.map((row) => row[i]!.length)]));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}
