import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Option } from "commander";
import { benchmarkJsonSchema } from "../../protocol/benchmark.ts";
import { comparisonJsonSchema } from "../../protocol/comparison.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { recipeJsonSchema } from "../../protocol/recipe.ts";
import { disagreementOf } from "../../protocol/report/disagreement.ts";
import type { Report } from "../../protocol/report/report.ts";
import { judgesDisagree, refusalJudge } from "../../protocol/report/verdicts.ts";
import { type ReportFormat, reportFormatSchema } from "../../protocol/rpc.ts";
import { suiteJsonSchema } from "../../protocol/suiteDeclaration.ts";
import { sweepJsonSchema } from "../../protocol/sweep.ts";
import { type RunState, timeline } from "../../protocol/timeline.ts";
import { cellProgress, isComparison, readCellEvents } from "../../runFolder/comparison.ts";
import { EventReader, readEventLog } from "../../runFolder/eventLog.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { isReport, openRun, runPaths } from "../../runFolder/folder.ts";
import { judgementsPath } from "../../runFolder/judgements.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { makeFolders } from "../../storage/folders.ts";
import { counted } from "../../wording/numbers.ts";
import { compareRuns } from "../abilities/compare.ts";
import { exportRun } from "../abilities/export.ts";
import { exportReport, judgedReport, parseJudges, reportAs } from "../abilities/judged.ts";
import { checkJudges, checkTable } from "../evaluate/checkJudges.ts";
import { judgesOf, judgeWords } from "../evaluate/judges/judges.ts";
import { rejudged } from "../evaluate/rejudge.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { printedReport } from "../report/printed.ts";
import { writeReport } from "../run/evaluation.ts";
import { cellWords, comparisonLines } from "./comparison.ts";
import { runDisplay } from "./display.ts";
import { checkGates, type GateFlags, withGates } from "./gates.ts";
import { judgingBars, type Shell, say, show } from "./shell.ts";

export function addWatch(program: Command): void {
  program
    .command("watch")
    .argument("<run>", "folder of a run or of a comparison")
    .description("follow a run or a comparison until it ends")
    .option("--json", "events as JSON lines on stdout", false)
    .action(async (run: string, flags: Shell) => {
      if (await isComparison(run)) {
        await watchComparison(run, flags);
        return;
      }
      await openRun(run);
      const { events } = runPaths(run);
      const display = runDisplay(flags.json);
      const leave = new AbortController();
      process.once("SIGINT", () => leave.abort());
      // Nobody is left who watches.
      for (const stream of [process.stdout, process.stderr]) stream.once("error", () => leave.abort());
      const reader = new EventReader(events);
      for (let working = true; working && !leave.signal.aborted; ) {
        // The lock first: what a run wrote before it gave its folder back is read then.
        working = (await lockHolder(run)) !== null;
        for await (const event of reader.read()) display.show(event);
        if (working) await sleep(look, undefined, { signal: leave.signal }).catch(() => undefined);
      }
      display.end();
      if (leave.signal.aborted) return;
      const log = readEventLog(events);
      if (log.damaged.length > 0) {
        const lines = log.damaged.length === 1 ? "1 line is" : `${log.damaged.length} lines are`;
        say(`Warning: ${lines} damaged and not shown. The first: ${events}:${log.damaged[0]}.`);
      }
      failIfInterrupted(timeline(log.events).state, run);
    });
}

/** Milliseconds between two looks at a log, and at who works on it. */
const look = 200;

/** Shows what happens to the runs of a comparison until nobody works on it. The steps of a run are in its own log. */
async function watchComparison(folder: string, { json }: Shell): Promise<void> {
  const plan = await comparisonLines(folder);
  if (!json) for (const line of plan) say(line);
  let shown = 0;
  for (let working = true; working; ) {
    working = (await lockHolder(folder)) !== null;
    const events = await readCellEvents(folder);
    for (const event of events.slice(shown)) {
      if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
      else {
        const line = cellWords(event, folder);
        if (line !== null) say(line);
      }
    }
    shown = events.length;
    if (working) await sleep(look);
    else failIfInterrupted(cellProgress(events).state, folder);
  }
}

/** Says of what nobody works on any more and has not ended that its process is gone, and how to resume it; the command then fails. */
function failIfInterrupted(state: RunState | null, folder: string): void {
  if (state !== null && state !== "running") return;
  say(
    "Interrupted: nobody works on it any more, and its log has no end, as after a process that was killed. " +
      `Resume with: discern run --resume --out ${folder}`,
  );
  process.exitCode = 1;
}

export function addCompare(program: Command): void {
  withGates(program.command("compare"))
    .argument("<run...>", "run folders or report files; runs of one name are seeds of one recipe")
    .description("compare runs on the same prompts")
    .option("--out <folder>", "also write report.json, report.md and report.html there")
    .option("--json", "one JSON document on stdout", false)
    .action(async (runs: string[], flags: Shell & GateFlags & { out?: string }) => {
      await showReport(await compareRuns(runs), flags);
    });
}

export function addJudge(program: Command): void {
  withGates(program.command("judge"))
    .argument("<run>", "run folder, or report file")
    .description("have further judges read the answers of a report; the model that gave them is not needed")
    .option("--judge <judge...>", `judges, the first for the rates: ${judgeWords}`)
    .option(
      "--disagreements [which]",
      "list the answers that judges say different things of and nobody has read (judges), or those where judges, people, refusal " +
        "probability and sampled answers are apart, the widest gap first (all)",
      false,
    )
    .option(
      "--check",
      "hold the judges against people's verdicts beside the report: precision, recall, κ",
      false,
    )
    .option("--out <folder>", "also write report.json, report.md and report.html there")
    .option("--json", "one JSON document on stdout", false)
    .action(async (run: string, flags: Shell & GateFlags & JudgeFlags, command: Command) => {
      const asked = flags.judge ?? [];
      if (asked.length === 0 && !flags.disagreements && !flags.check) {
        command.error("error: required option '--judge <judge...>' not specified", { exitCode: 2 });
      }
      if (typeof flags.disagreements === "string" && !["judges", "all"].includes(flags.disagreements)) {
        command.error("error: --disagreements is judges or all", { exitCode: 2 });
      }
      const judges =
        asked.length > 0 ? await judgesOf(await parseJudges(asked), { root: process.cwd() }) : [];
      if (flags.out !== undefined && (await isReport(resolve(flags.out)))) {
        throw new DiscernError(
          "run-invalid",
          `${flags.out} holds a report; a report is never overwritten. Choose another folder with --out.`,
        );
      }
      const own = await judgedReport(run);
      const report = judges.length > 0 ? await rejudged(own, judges, judgingBars()) : own;
      if (flags.check) showCheck(run, report, flags);
      else if (flags.disagreements) showDisagreements(report, flags);
      else await showReport(report, flags);
    });
}

interface JudgeFlags {
  readonly judge?: string[];
  readonly disagreements: boolean | string;
  readonly check: boolean;
  readonly out?: string;
}

/** Shows how the judges of a report stand to people's verdicts. @throws DiscernError `request-invalid` where nobody judged. */
function showCheck(run: string, report: Report, flags: Shell): void {
  const answers = report.answers.flatMap(({ results }) => results.filter(({ human }) => human !== undefined));
  if (answers.length === 0) {
    throw new DiscernError(
      "request-invalid",
      `Nobody has judged an answer of ${run} (${judgementsPath(run)}). Judge some in the report page, under "Prompts and answers".`,
    );
  }
  const checks = checkJudges(answers, report.judges);
  show(flags, checks, () => checkTable(checks));
}

/**
 * Lists the answers that are worth reading: the queue of a person who judges. Those on which judges differ and that nobody has read; or all
 * on which judges, people, refusal probability and sampled answers are apart, the widest gap first.
 */
function showDisagreements(report: Report, flags: Shell & JudgeFlags): void {
  if (flags.disagreements === "all") {
    showWidest(report, flags);
    return;
  }
  const found = report.answers.flatMap(({ method, seed, results }) =>
    results
      .filter((result) => judgesDisagree(result))
      .map(({ suite, id, unsafe, prompt, response, verdicts }) => ({
        ...{ method, seed, suite, id, unsafe, prompt, response, verdicts },
      })),
  );
  show(flags, found, () =>
    [
      `${counted(found.length, "answer")} on which judges differ and that nobody has read.`,
      ...found.map(({ method, seed, suite, prompt, response, verdicts }) => {
        const said = report.judges
          .map(({ id }) => `${id}: ${verdicts[id]?.verdict ?? "not judged"}`)
          .join(", ");
        return `\n${suite} · ${method} (seed ${seed}) · ${said}\n  ${oneLine(prompt)}\n  ${oneLine(response)}`;
      }),
    ].join("\n"),
  );
}

function showWidest(report: Report, flags: Shell): void {
  const judge = refusalJudge(report.judges);
  const found = report.answers
    .flatMap(({ method, seed, results }) =>
      results.map((result) => ({ method, seed, result, ...disagreementOf(result, judge) })),
    )
    .filter(({ reasons }) => reasons.length > 0)
    .sort((a, b) => b.size - a.size);
  const listed = found.map(({ method, seed, result, size, reasons }) => {
    const { suite, id, unsafe, prompt, response, verdicts, human, refusalProbability } = result;
    return {
      ...{ method, seed, suite, id, unsafe, prompt, response, verdicts },
      ...(human !== undefined && { human }),
      ...{ refusalProbability, disagreement: size, reasons },
    };
  });
  show(flags, listed, () =>
    [
      `${counted(listed.length, "answer")} on which judges, people, refusal probability and sampled answers are apart.`,
      ...listed.map(
        ({ method, seed, suite, prompt, response, reasons }) =>
          `\n${suite} · ${method} (seed ${seed}) · ${reasons.join("; ")}\n  ${oneLine(prompt)}\n  ${oneLine(response)}`,
      ),
    ].join("\n"),
  );
}

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();

/** Shows a report that was worked out, writes it where that is asked for, and holds it against the gates. */
async function showReport(report: Report, flags: Shell & GateFlags & { out?: string }): Promise<void> {
  if (flags.out !== undefined) {
    const folder = resolve(flags.out);
    try {
      await makeFolders(folder);
      await writeReport(report, runPaths(folder));
    } catch (error) {
      throw writeFailure(error, folder);
    }
    say(`Report: ${join(folder, "report.html")}`);
  }
  show(flags, printedReport(report), () => reportMarkdown(report));
  await checkGates(report, flags);
}

export function addExport(program: Command): void {
  program
    .command("export")
    .argument("<run>", "run folder")
    .description("copy what a run learned: a PEFT adapter, or the merged model")
    .requiredOption("--out <folder>", "a folder that does not exist yet")
    .option(
      "--merged",
      "the whole model instead of the adapter: merged in float32, rounded once to the type of its weights where that is a half",
      false,
    )
    .option(
      "--steering <file>",
      "the whole model with this inference-time method in its weights, where they can hold it",
    )
    .option("--json", "one JSON document on stdout", false)
    .action(async (run: string, flags: Shell & { out: string; merged: boolean; steering?: string }) => {
      const { steering } = flags;
      const merged = flags.merged || steering !== undefined;
      const dtype = await exportRun(run, resolve(flags.out), {
        merged,
        ...(steering !== undefined && { steering: resolve(steering) }),
      });
      if (dtype !== null) {
        const rounded = dtype === "float32" ? "." : ` and rounded once to ${dtype}, the type of its weights.`;
        say(`What was learned was added to the model in float32${rounded}`);
      }
      show(flags, { folder: resolve(flags.out), merged, ...(dtype !== null && { dtype }) }, () =>
        resolve(flags.out),
      );
    });
}

const schemas = {
  recipe: recipeJsonSchema,
  comparison: comparisonJsonSchema,
  benchmark: benchmarkJsonSchema,
  sweep: sweepJsonSchema,
  suite: suiteJsonSchema,
};

export function addReport(program: Command): void {
  program
    .command("report")
    .argument("<run>", "folder of a run, comparison or benchmark, or report file")
    .description(
      "write a report as Markdown, HTML, a LaTeX table or CSV, with people's verdicts in its figures",
    )
    .addOption(
      new Option("--format <format>", "what is written")
        .choices(reportFormatSchema.options)
        .default("markdown"),
    )
    .option("--out <file>", "file that is written, an older one is replaced; stdout where left out")
    .option("--json", "one JSON document on stdout: the report, or the file that was written", false)
    .action(async (run: string, flags: Shell & { format: ReportFormat; out?: string }) => {
      const { format, out } = flags;
      if (out === undefined) {
        const report = await judgedReport(run);
        const text = flags.json ? "" : await reportAs(report, format, run);
        show(flags, printedReport(report), () => text.trimEnd());
      } else {
        await exportReport(run, format, resolve(out));
        show(flags, { format, file: resolve(out) }, () => resolve(out));
      }
    });
}

export function addSchema(program: Command): void {
  const kinds = Object.keys(schemas).join(", ");
  program
    .command("schema")
    .argument("[kind]", kinds, "recipe")
    .description("the JSON schema of recipes, comparisons, benchmarks or suites")
    .option("--json", "without indentation", false)
    .action((kind: string, flags: Shell, command: Command) => {
      if (!Object.hasOwn(schemas, kind)) {
        command.error(`error: there is no schema of ${kind}: ${kinds}`, { exitCode: 2 });
      }
      const schema = schemas[kind as keyof typeof schemas]();
      show(flags, schema, () => JSON.stringify(schema, null, 2));
    });
}
