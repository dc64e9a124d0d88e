import type { Command } from "commander";
import { madeSentence } from "../../protocol/made.ts";
import { distilAnswers } from "../abilities/distil.ts";
import { parseSource } from "../abilities/evaluate.ts";
import { parseJudges } from "../abilities/judged.ts";
import { judgeWords } from "../evaluate/judges/judges.ts";
import {
  askOptions,
  type ModelFlags,
  positiveInteger,
  progressBar,
  sayAll,
  saySpent,
  show,
  withModel,
} from "./shell.ts";

interface DistilFlags extends ModelFlags {
  readonly out: string;
  readonly judge: string;
  readonly samples: number;
  readonly temperature: number;
  readonly instruction?: string;
  readonly maxNewTokens: number;
  readonly maxTokens: number;
  readonly batchSize: number;
  readonly seed: number;
}

export function addDistil(program: Command): void {
  withModel(program.command("distil"))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .argument(
      "<prompts...>",
      "seemingly toxic prompts; FILE?split=train&labels=seemingly_toxic takes some of a file's rows",
    )
    .description("write a prompt file of the model's own helpful answers, for safety tuning (STL-aug)")
    .requiredOption("--out <file>", "prompt file that is written, which ends in .jsonl")
    .option("--judge <judge>", `who decides which answers comply: ${judgeWords}`, "xstest")
    .option(
      "--samples <count>",
      "answers per prompt: 1 is greedy, of more the best is kept",
      positiveInteger,
      1,
    )
    .option("--temperature <number>", "temperature of sampled answers", Number, 1)
    .option(
      "--instruction <text>",
      'stands behind each prompt, such as "Answer in one sentence."; it is not written',
    )
    .option("--max-new-tokens <count>", "length of an answer; longer ones are not kept", positiveInteger, 128)
    .option("--max-tokens <count>", "length of a prompt with its answer", positiveInteger, 256)
    .option("--batch-size <count>", "prompts answered together", positiveInteger, 16)
    .option("--seed <number>", "seed of sampled answers", Number, 0)
    .option("--json", "what was made as one JSON document on stdout", false)
    .action(async (model: string, prompts: string[], flags: DistilFlags) => {
      const [judge] = await parseJudges([flags.judge]);
      const made = await distilAnswers(
        askOptions(model, flags),
        prompts.map((text) => parseSource(text).source),
        {
          ...{ ...flags, judge: judge!, onProgress: progressBar("Answering"), onNotices: sayAll },
          onSpent: saySpent,
        },
      );
      show(flags, made, () => madeSentence(made));
    });
}
