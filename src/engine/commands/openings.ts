import { extname, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { type OpeningsFile, openingsSuffix } from "../../protocol/openings.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { count, counted, estimate, percent } from "../../wording/numbers.ts";
import { parseSource, parseSuites } from "../abilities/evaluate.ts";
import { parseJudges } from "../abilities/judged.ts";
import { deriveOpenings } from "../abilities/openings.ts";
import { usualDerivation } from "../evaluate/derivedOpenings.ts";
import { judgeWords } from "../evaluate/judges/judges.ts";
import {
  askOptions,
  judgingBars,
  type ModelFlags,
  positiveInteger,
  progressBar,
  say,
  sayAll,
  saySpent,
  show,
  withModel,
} from "./shell.ts";

interface OpeningsFlags extends ModelFlags {
  readonly out: string;
  readonly judge: string;
  readonly samples: number;
  readonly maxNewTokens: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly coverage: number;
  readonly falseShare: number;
  readonly depth: number;
  readonly support: number;
  readonly suite: string[];
}

export function addOpenings(program: Command): void {
  withModel(program.command("openings"))
    .argument(
      "<models-and-prompts...>",
      "models and run folders, then training prompts: FILE?split=train&limit=100 takes some of a file's rows",
    )
    .description(
      "derive openings of a refusal from models' own sampled answers, for probes.openings of recipes that are compared",
    )
    .requiredOption("--out <file>", `file that is written, which ends in ${openingsSuffix}`)
    .option("--judge <judge>", `who decides which answers refuse: ${judgeWords}`, "arditi")
    .option(
      "--samples <count>",
      "answers per prompt and model, at temperature 1",
      positiveInteger,
      usualDerivation.samples,
    )
    .option("--max-new-tokens <count>", "length of an answer", positiveInteger, usualDerivation.maxNewTokens)
    .option("--batch-size <count>", "prompts answered together", positiveInteger, 16)
    .option(
      "--coverage <share>",
      "share of refusals that the openings should catch",
      share,
      usualDerivation.coverage,
    )
    .option(
      "--false-share <share>",
      "share of compliances that they may catch",
      share,
      usualDerivation.falseShare,
    )
    .option("--depth <tokens>", "length of an opening", positiveInteger, usualDerivation.depth)
    .option(
      "--support <prompts>",
      "prompts whose refusals must begin with an opening",
      positiveInteger,
      usualDerivation.support,
    )
    .option("--seed <number>", "seed of samples and held-out prompts", Number, 0)
    .option(
      "--suite <suite>",
      "suite that is tested on beside those of the runs: no prompt may be in it; may be repeated",
      (each: string, all: string[]) => [...all, each],
      [],
    )
    .option("--json", "the file as one JSON document on stdout", false)
    .action(async (named: string[], flags: OpeningsFlags, command: Command) => {
      const sources = named.filter(isPrompts);
      const models = named.filter((text) => !isPrompts(text));
      if (sources.length === 0 || models.length === 0) {
        command.error("error: name at least one model or run folder, and one prompt file", { exitCode: 2 });
      }
      const [judge] = await parseJudges([flags.judge]);
      const { samples, maxNewTokens, depth, support, coverage, falseShare } = flags;
      const bars = new Map<string, ReturnType<typeof progressBar>>();
      const { model: _, ...ask } = askOptions("", flags);
      const file = await deriveOpenings(
        models,
        sources.map((text) => parseSource(text).source),
        ask,
        {
          derivation: {
            ...usualDerivation,
            ...{ samples, maxNewTokens, depth, coverage, falseShare, support },
          },
          ...{ judge: judge!, seed: flags.seed, batchSize: flags.batchSize, out: flags.out },
          suites: parseSuites(flags.suite),
          onNotices: sayAll,
          onPlanned: (models, prompts) =>
            say(
              `Sampling ${count(models * prompts * samples)} answers of at most ${maxNewTokens} tokens: ${samples} to each of ` +
                `${counted(prompts, "prompt")} by ${counted(models, "model")}, one after another.`,
            ),
          onSpent: saySpent,
          onJudging: judgingBars().onProgress,
          onProgress(model, done, total) {
            const bar = bars.get(model) ?? progressBar(`Sampling ${model}`);
            bars.set(model, bar);
            bar(done, total);
          },
        },
      );
      sayAll(file.caveats);
      show(flags, file, () => openingsWords(file, resolve(flags.out)));
    });
}

/** Whether an argument names prompts: a file by its ending, the starter set, or a file of a known suite. */
function isPrompts(text: string): boolean {
  const place = text.replace(/\?[^?]*=[^?]*$/s, "");
  return /^(starter|suite):/.test(text) || promptEndings.has(extname(place).toLowerCase());
}

const promptEndings = new Set([".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt"]);

function share(text: string): number {
  const value = Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Give a share from 0 to 1, such as 0.05.");
}

/** The openings and what they catch, for a terminal. */
function openingsWords({ openings, heldOut, listed, control, methods }: OpeningsFile, path: string): string {
  const wide = Math.max(7, greatestOf(openings.map(({ text }) => JSON.stringify(text).length)));
  const shares = ({ coverage, falseShare }: OpeningsFile["heldOut"]) =>
    `${coverage ? estimate(coverage, "share") : "–"} of refusals, ${falseShare ? estimate(falseShare, "share") : "–"} of compliances`;
  const { coverage, falseShare } = control;
  return [
    `${"opening".padEnd(wide)}  refusals  compliances  prompts`,
    ...openings.map(({ text, refusals, compliances, prompts }) =>
      [
        JSON.stringify(text).padEnd(wide),
        String(refusals).padStart(8),
        String(compliances).padStart(11),
        String(prompts).padStart(7),
      ].join("  "),
    ),
    "",
    `On held-out prompts:  ${shares(heldOut)}`,
    `The default list:     ${shares(listed)}`,
    `Shuffled verdicts:    ${coverage ? percent(coverage.mean) : "–"} of refusals, ${falseShare ? percent(falseShare.mean) : "–"} of compliances`,
    "",
    ...methods.map(
      ({ name, counts, caught }) =>
        `${name}: ${counts.refusals} of ${counts.answers} answers refuse, ${counts.undetermined} undetermined; caught ${shares(caught)}`,
    ),
    "",
    `${path}: name it in "probes": { "openings": … } of a recipe, or "openings" of a comparison or benchmark.`,
  ].join("\n");
}
