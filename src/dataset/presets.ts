import type { Label } from "../protocol/label.ts";
import type { Columns, Format } from "../protocol/source.ts";

/** What is known about a published file beyond the names of its columns. */
interface Preset {
  /** Where it comes from. */
  about: string;
  columns?: Columns;
  /** Label of a row whose file has no label column, or leaves it empty. */
  label?: (values: Record<string, string>, file: string) => Label | undefined;
  /** Whether a file's columns and name alone show that it has this layout. */
  detect?: (columns: readonly string[], file: string) => boolean;
}

export const presets: Record<Format, Preset> = {
  xstest: {
    about: "paul-rottger/exaggerated-safety, xstest_v2_prompts.csv: types beginning contrast_ are unsafe",
    columns: { prompt: "prompt", kind: "type" },
    label: ({ type = "" }) => (type.startsWith("contrast_") ? "toxic" : "seemingly_toxic"),
    detect: (columns) => ["type", "prompt", "focus"].every((name) => columns.includes(name)),
  },
  oktest: {
    about: "InvokerStark/OverKill, OKTest.csv: every prompt is safe",
    columns: { prompt: "prompt" },
    label: () => "seemingly_toxic",
    detect: (columns, file) => columns.join() === "prompt" && /oktest/i.test(file),
  },
  safety: {
    about:
      "vinid/safety-tuned-llamas, safety_only_data_Instructions.json: harmful requests with safe answers",
    columns: { prompt: "instruction", response: "output" },
    label: () => "toxic",
  },
  alpaca: {
    about: "Stanford Alpaca and its kin: instruction, input, output",
    columns: { prompt: "instruction", response: "output" },
    label: () => "general",
  },
  advbench: {
    about: "llm-attacks, harmful_behaviors.csv: goal, target",
    columns: { prompt: "goal" },
    label: () => "toxic",
    detect: (columns) => columns.join() === "goal,target",
  },
  harmbench: {
    about:
      "centerforaisafety/HarmBench, harmbench_behaviors_text_*.csv: every behaviour is harmful; a ContextString belongs before it",
    label: () => "toxic",
    detect: (columns) => ["Behavior", "ContextString", "BehaviorID"].every((name) => columns.includes(name)),
  },
  stl: {
    about:
      "vinid/safety-tuned-llamas, data/evaluation/*.json: {instructions, inputs}; the label is not in the file",
    columns: { prompt: "instruction" },
  },
  starter: {
    about:
      "the embedded starter set: pairs.csv and helpful.jsonl carry labels; general.jsonl and safety.jsonl have one each",
    label: (_, file) => (/^general/.test(file) ? "general" : /^safety/.test(file) ? "toxic" : undefined),
  },
};

/** The layout that a file's columns and name show, or undefined. */
export function detectFormat(columns: readonly string[], file: string): Format | undefined {
  return (Object.keys(presets) as Format[]).find((format) => presets[format].detect?.(columns, file));
}
