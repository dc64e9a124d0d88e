import type { Command } from "commander";
import { generateAnswers, scoreFile } from "../abilities/ask.ts";
import { askOptions, type ModelFlags, positiveInteger, progressBar, show, withModel } from "./shell.ts";

export function addGenerate(program: Command): void {
  withModel(program.command("generate"))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .description("answer a prompt greedily")
    .requiredOption("--prompt <text...>", "what is asked; several are answered together")
    .option("--max-new-tokens <count>", "length of an answer", positiveInteger, 64)
    .option("--json", "one JSON document on stdout", false)
    .action(async (model: string, flags: ModelFlags & { prompt: string[]; maxNewTokens: number }) => {
      const bar = progressBar("Answering");
      const answers = await generateAnswers(askOptions(model, flags), flags.prompt, flags.maxNewTokens, bar);
      show(flags, answers, () => answers.map(({ response }) => response).join("\n\n"));
    });
}

export function addScore(program: Command): void {
  withModel(program.command("score"))
    .argument("<model>", "model folder, GGUF file, or name of a pulled model")
    .argument("<prompts>", "prompt file")
    .description("refusal probability of every prompt of a file")
    .option("--json", "one JSON document on stdout", false)
    .action(async (model: string, prompts: string, flags: ModelFlags) => {
      const bar = progressBar("Scoring");
      const scores = await scoreFile(askOptions(model, flags), prompts, bar);
      show(flags, scores, () =>
        scores
          .map(({ refusalProbability, prompt }) => `${refusalProbability.toFixed(4)}  ${prompt}`)
          .join("\n"),
      );
    });
}
