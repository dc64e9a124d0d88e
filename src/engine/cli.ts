import { Command, CommanderError } from "commander";
import project from "../../package.json" with { type: "json" };
import { DiscernError } from "../protocol/errors.ts";
import { toWire } from "../protocol/wireError.ts";
import { addEvaluate, addGenerate, addScore, addSteer } from "./commands/ask.ts";
import { addBenchmark } from "./commands/benchmark.ts";
import { addDistil } from "./commands/distil.ts";
import { addLayers } from "./commands/layers.ts";
import { addMcp } from "./commands/mcp.ts";
import { addDoctor, addInspect, addModels, addPull } from "./commands/model.ts";
import { addOpenings } from "./commands/openings.ts";
import { addProbe } from "./commands/probe.ts";
import { addCompare, addExport, addJudge, addReport, addSchema, addWatch } from "./commands/results.ts";
import { addRun, addRunCell } from "./commands/run.ts";
import { addServe, addStop } from "./commands/serve.ts";
import { outliveReaders, say } from "./commands/shell.ts";
import { addSuites } from "./commands/suites.ts";
import { addTorch } from "./commands/torch.ts";

const program = new Command("discern")
  .description(
    "Research on over-refusal in language models: contrastive refinement, safety tuning and evaluation.",
  )
  .version(project.version)
  .showSuggestionAfterError()
  .addHelpText(
    "after",
    "\nExit codes: 0 done (also stopped and saved), 1 failure, 2 usage, 3 a condition of --fail-if was met, 130 interrupted.",
  );

for (const add of [
  addPull,
  addModels,
  addSuites,
  addInspect,
  addGenerate,
  addScore,
  addSteer,
  addEvaluate,
  addDistil,
  addOpenings,
  addProbe,
  addLayers,
  addRun,
  addBenchmark,
  addRunCell,
  addStop,
  addWatch,
  addCompare,
  addJudge,
  addExport,
  addReport,
  addDoctor,
  addTorch,
  addSchema,
  addServe,
  addMcp,
]) {
  add(program);
}
// Set after the commands are there: each must throw instead of ending the process with commander's own code.
for (const command of [
  program,
  ...program.commands,
  ...program.commands.flatMap(({ commands }) => commands),
]) {
  command.exitOverride();
}

outliveReaders();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = failure(error);
}

/**
 * Reports an error on stderr, as JSON on stdout too where that was asked for, and to the process that started this one
 * detached. @returns the exit code.
 */
function failure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = error instanceof DiscernError;
  const message = error instanceof Error ? error.message : String(error);
  const told = { error: { code: known ? error.code : "internal", message } };
  // What the system refuses (a permission, a full disk) is no fault of the program, and a stack tells nobody anything.
  const bug = error instanceof Error && !known && !("syscall" in error);
  say(`discern: ${bug ? error.stack : message}`);
  // Last, so that it is the last line also where both streams go to one file.
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(told)}\n`);
  if (process.connected) process.send?.({ error: toWire(error) });
  return 1;
}
