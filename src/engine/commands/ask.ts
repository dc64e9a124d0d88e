import { join, resolve } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { asFileName } from "../../protocol/fileName.ts";
import { type SamplingRecipe, samplingSchema } from "../../protocol/sampling.ts";
import { chosenWords } from "../../protocol/steeringRecord.ts";
import { loadRecipe } from "../../recipe/loadRecipe.ts";
import { probability } from "../../wording/numbers.ts";
import { promptLine } from "../../wording/unseen.ts";
import { generateAnswers, scorePrompts } from "../abilities/ask.ts";
import { askedMethod, evaluateModel, parseSource, parseSuites } from "../abilities/evaluate.ts";
import { parseJudges } from "../abilities/judged.ts";
import { steerAlone } from "../abilities/steer.ts";
import { judgeWords } from "../evaluate/judges/judges.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { printedReport } from "../report/printed.ts";
import { checkGates, type GateFlags, requireClearGates, withGates } from "./gates.ts";
import {
  askOptions,
  judgingBars,
  type ModelFlags,
  positiveInteger,
  progressBar,
  type Shell,
  say,
  sayAll,
  show,
  withModel,
} from "./shell.ts";

export function addGenerate(program: Command): void {
  withModel(program.command("generate"))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .description("answer a prompt greedily")
    .requiredOption("--prompt <text...>", "what is asked; several are answered together")
    .option("--max-new-tokens <count>", "length of an answer", positiveInteger, 64)
    .option("--json", "one JSON document on stdout", false)
    .action(async (model: string, flags: ModelFlags & { prompt: string[]; maxNewTokens: number }) => {
      const options = { onProgress: progressBar("Answering") };
      const answers = await generateAnswers(
        askOptions(model, flags),
        flags.prompt,
        flags.maxNewTokens,
        options,
      );
      show(flags, answers, () => answers.map(({ response }) => response).join("\n\n"));
    });
}

export function addScore(program: Command): void {
  withModel(program.command("score"))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .argument("<prompts>", "prompt file; FILE?split=test&limit=100 takes some of its rows")
    .description("refusal probability of every prompt of a file")
    .option(
      "--openings <file>",
      "openings that were derived by discern openings, in place of the default list",
    )
    .option("--json", "one JSON document on stdout", false)
    .action(async (model: string, prompts: string, flags: ModelFlags & { openings?: string }) => {
      const scores = await scorePrompts(askOptions(model, flags), parseSource(prompts).source, {
        openings: flags.openings,
        onProgress: progressBar("Scoring"),
        onNotices: sayAll,
      });
      show(flags, scores, () =>
        scores
          .map(
            ({ refusalProbability, prompt }) =>
              `${probability(refusalProbability).padEnd(6)}  ${promptLine(prompt)}`,
          )
          .join("\n"),
      );
    });
}

export function addSteer(program: Command): void {
  program
    .command("steer")
    .argument("<recipe>", "recipe file with a steering and without stages")
    .description("fit the inference-time method of a recipe, without a run; --steering applies the file")
    .requiredOption("--out <file>", "a .json file that does not exist yet; the tensors lie beside it")
    .option(
      "--set <key=value>",
      "change a key of the recipe; may be repeated",
      (each, all: string[]) => [...all, each],
      [],
    )
    .option("--json", "the written record as one JSON document on stdout", false)
    .action(async (name: string, flags: Shell & { out: string; set: string[] }, command: Command) => {
      if (!flags.out.endsWith(".json")) command.error("error: --out names a .json file", { exitCode: 2 });
      const { recipe, root } = await loadRecipe(name, { set: flags.set, stlAlone: false });
      const record = await steerAlone(recipe, root, resolve(flags.out), {
        onProgress: progressBar("Fitting"),
        onWarning: (message) => say(`Warning: ${message}`),
        onDevice: ({ device, reason }) => say(`Device: ${device} (${reason})`),
      });
      for (const note of record.notes) say(`Warning: ${note}`);
      show(
        flags,
        record,
        () => `${resolve(flags.out)}: ${record.steering.type}, ${chosenWords(record.chosen)}`,
      );
    });
}

export function addEvaluate(program: Command): void {
  withGates(withModel(program.command("evaluate")))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .argument(
      "<suite...>",
      "known suites by their ids, such as xstest?limit=100, and prompt files with safe and unsafe prompts; " +
        "FILE?split=test&label=toxic&limit=100&name=NAME takes some of a file's rows",
    )
    .description("refusals and discernment of a model on prompt files; the report can be compared with runs")
    .option(
      "--name <name>",
      'name of the method in the report; the folder of the adapter or its run, or "untrained" without one',
    )
    .option("--out <folder>", "folder of the report; evaluations/NAME where left out")
    .option("--judge <judge...>", `judges of the answers, the first for the rates: ${judgeWords}`, ["xstest"])
    .option(
      "--openings <file>",
      "openings that were derived by discern openings, in place of the default list",
    )
    .option("--max-new-tokens <count>", "length of an answer", positiveInteger, 64)
    .option("--batch-size <count>", "prompts answered together", positiveInteger, 16)
    .option(
      "--samples <count>",
      "also sample so many answers to each prompt at temperature 1: sampled refusal rate and calibration",
      positiveInteger,
    )
    .option(
      "--sample-limit <count>",
      "prompts of each suite that are sampled; all where left out",
      positiveInteger,
    )
    .option("--json", "the report as one JSON document on stdout", false)
    .action(async (model: string, suites: string[], flags: EvaluateFlags, command: Command) => {
      const judges = await parseJudges(flags.judge);
      requireClearGates(flags, judges, command);
      const { name } = askedMethod(flags.adapter, flags.name, undefined, flags.steering);
      const out = resolve(flags.out ?? join("evaluations", asFileName(name, "evaluation")));
      const bars = new Map<string, ReturnType<typeof progressBar>>();
      const report = await evaluateModel(askOptions(model, flags), {
        name: flags.name,
        out,
        judges,
        openings: flags.openings,
        onJudging: judgingBars().onProgress,
        suites: parseSuites(suites),
        maxNewTokens: flags.maxNewTokens,
        batchSize: flags.batchSize,
        sampling: samplingOf(flags),
        onNotices: sayAll,
        onProgress(suite, done, total) {
          const bar = bars.get(suite) ?? progressBar(`Evaluating ${suite}`);
          bars.set(suite, bar);
          bar(done, total);
        },
      });
      say(`Report: ${join(out, "report.html")}`);
      show(flags, printedReport(report), () => reportMarkdown(report));
      await checkGates(report, flags);
    });
}

/** @throws DiscernError `request-invalid`. */
function samplingOf({ samples, sampleLimit: limit }: EvaluateFlags): SamplingRecipe | undefined {
  if (samples === undefined && limit === undefined) return undefined;
  const found = samplingSchema.safeParse({ samples, limit });
  if (found.success) return found.data;
  throw new DiscernError("request-invalid", `--samples and --sample-limit: ${z.prettifyError(found.error)}`);
}

interface EvaluateFlags extends ModelFlags, GateFlags {
  readonly name?: string;
  readonly out?: string;
  readonly judge: string[];
  readonly openings?: string;
  readonly maxNewTokens: number;
  readonly batchSize: number;
  readonly samples?: number;
  readonly sampleLimit?: number;
}
