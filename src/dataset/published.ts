/** A published file of prompts, which Discern reads and does not ship. */
export interface PublishedFile {
  /** Name under which presets, the study and the tests look for it. */
  readonly file: string;
  readonly title: string;
  readonly rows: number;
  readonly repository: string;
  /** Path inside the repository. */
  readonly path: string;
  readonly licence: string;
}

const xstest = { title: "XSTest v2", repository: "https://github.com/paul-rottger/exaggerated-safety" };
const safetyTuned = {
  title: "Safety-Tuned LLaMAs",
  repository: "https://github.com/vinid/safety-tuned-llamas",
};
const alpagasus = { repository: "https://github.com/gpt4life/alpagasus" };
const evaluation = (file: string, rows: number): PublishedFile => ({
  ...safetyTuned,
  file,
  rows,
  path: `data/evaluation/${file}`,
  licence: "CC BY-NC 4.0",
});

/**
 * The published files that presets, the study and the tests of published files read. docs/formats.md shows this table.
 */
export const publishedFiles: readonly PublishedFile[] = [
  {
    ...xstest,
    file: "xstest_v2_prompts.csv",
    rows: 450,
    path: "xstest_v2_prompts.csv",
    licence: "CC BY 4.0",
  },
  {
    file: "oktest.csv",
    title: "OKTest",
    rows: 300,
    repository: "https://github.com/InvokerStark/OverKill",
    path: "data/OKTest.csv",
    licence: "none stated",
  },
  {
    ...safetyTuned,
    file: "safety_only_data_instructions.json",
    rows: 2483,
    path: "data/training/safety_only_data_Instructions.json",
    licence: "CC BY-NC 4.0; prompts of Anthropic's hh-rlhf, MIT",
  },
  evaluation("I-MaliciousInstructions.json", 100),
  evaluation("I-CoNa.json", 178),
  {
    file: "advbench.csv",
    title: "AdvBench",
    rows: 520,
    repository: "https://github.com/llm-attacks/llm-attacks",
    path: "data/advbench/harmful_behaviors.csv",
    licence: "MIT",
  },
  {
    ...alpagasus,
    file: "alpaca_random_9k.json",
    title: "Stanford Alpaca, a random part",
    rows: 9229,
    path: "chatgpt_data/alpaca_t45_random.json",
    licence: "CC BY-NC 4.0",
  },
  {
    ...alpagasus,
    file: "dolly_3k.json",
    title: "Dolly, filtered",
    rows: 2996,
    path: "data/filtered/dolly_3k.json",
    licence: "CC BY-SA 3.0",
  },
  {
    file: "alpaca_eval_text_davinci_003.json",
    title: "AlpacaEval, answers of text-davinci-003",
    rows: 805,
    repository: "https://github.com/tatsu-lab/alpaca_eval",
    path: "results/text_davinci_003/model_outputs.json",
    licence: "see the repository",
  },
  {
    file: "seed_tasks.jsonl",
    title: "Self-Instruct, seed tasks",
    rows: 175,
    repository: "https://github.com/yizhongw/self-instruct",
    path: "data/seed_tasks.jsonl",
    licence: "Apache 2.0",
  },
];

/** The published file that is known by this name, or undefined. Letters may be small or capital. */
export function publishedFile(name: string): PublishedFile | undefined {
  return publishedFiles.find(({ file }) => file.toLowerCase() === name.toLowerCase());
}

/** Where a published file is to be had, in words. */
export function publishedSource({ title, path, repository, licence }: PublishedFile): string {
  return `${title}: ${path} of ${repository} (licence: ${licence})`;
}
