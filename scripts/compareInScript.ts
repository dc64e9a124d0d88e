/** What the demo and the study share: a comparison that is checked, given its model, run or resumed, and reported. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { planComparison } from "../src/engine/abilities/plan.ts";
import { runComparison } from "../src/engine/commands/comparison.ts";
import { cellStates } from "../src/engine/run/cells.ts";
import { Stop, stopOnSignals } from "../src/engine/run/stop.ts";
import type { Plan } from "../src/protocol/cells.ts";
import { type ComparisonInput, comparisonSchema } from "../src/protocol/comparison.ts";
import { DiscernError } from "../src/protocol/errors.ts";

const program: [string, string] = [process.execPath, join(import.meta.dirname, "../dist/cli.js")];

export interface ScriptOptions {
  /** Folder of the comparison. */
  readonly out: string;
  /** Model folder, GGUF file, or name of a model that is pulled where it is missing. */
  readonly model: string;
  /** Changes to every recipe, `key=value` each. */
  readonly set: readonly string[];
  readonly jobs?: number;
  /** Cells that are run; all where left out. */
  readonly only?: readonly string[];
}

/**
 * Runs a comparison, or what is left of it. Ends this process, with the reason, where it was interrupted, a run failed, or
 * the recipe or its files are faulty; that is known before a model is fetched.
 *
 * @returns the plan.
 */
export async function compareInScript(
  input: ComparisonInput,
  { out, model, set, jobs = 1, only }: ScriptOptions,
): Promise<Plan> {
  const plan = await planComparison(comparisonSchema.parse(input), `${input.name}.comparison.json`, [
    `model=${model}`,
    ...set,
  ]).catch(fail);
  const cells = plan.cells.map(({ name }) => name);
  const unknown = only?.find((name) => !cells.includes(name));
  if (unknown !== undefined) fail(`--only ${unknown}: the cells of these seeds are ${cells.join(", ")}.`);
  let left = 0;
  for (const [name, state] of await cellStates(plan, out).catch(fail)) {
    if (state !== "finished" && (only?.includes(name) ?? true)) left++;
  }
  if (left > 0 && !existsSync(model)) {
    const { exitCode } = await execa(program[0], [program[1], "pull", model], {
      stdio: ["inherit", "ignore", "inherit"],
      reject: false,
    });
    if (exitCode !== 0) fail(`The model ${model} could not be fetched.`);
  }
  const stop = new Stop();
  const release = stopOnSignals(() => stop.request());
  const { end, failed } = await runComparison(plan, {
    folder: out,
    resume: true,
    jobs,
    ...(only === undefined ? {} : { only }),
    keepGoing: true,
    json: false,
    stop,
    program,
  }).catch(fail);
  release();
  if (end === "stopped") {
    process.stderr.write("Interrupted. The same command resumes from here.\n");
    process.exit(130);
  }
  if (failed.length > 0) process.exit(1);
  return plan;
}

/** Ends this process with the reason; an error that is no person's mistake keeps its stack. */
export function fail(why: unknown): never {
  if (why instanceof Error && !(why instanceof DiscernError)) throw why;
  process.stderr.write(`${why instanceof Error ? why.message : String(why)}\n`);
  process.exit(1);
}
