import type { Label } from "../protocol/label.ts";
import type { Columns, Format, Layout, NamedColumns } from "../protocol/source.ts";
import { publishedFile } from "../suites/published.ts";
import { knownSuites } from "../suites/registry.ts";
import { findColumns } from "./columns.ts";

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

/** What the names of the published evaluation files of Safety-Tuned LLaMAs say of their prompts. */
const stlLabels: readonly (readonly [RegExp, Label])[] = [
  [/^(I-MaliciousInstructions|I-CoNa|I-Controversial|I-PhysicalSafetyUnsafe|Q-Harm)/i, "toxic"],
  [/^I-PhysicalSafetySafe/i, "seemingly_toxic"],
  [/^I-Alpaca/i, "general"],
];

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
    // Its columns are those of every Alpaca file, so the name decides.
    detect: (columns, file) => /^safety_only_data/i.test(file) && holds(columns, "instruction", "output"),
  },
  alpaca: {
    about: "Stanford Alpaca and its kin: instruction, input, output",
    columns: { prompt: "instruction", response: "output" },
    label: () => "general",
    // A file of instructions with answers may be of any kind: only the names of published ones say that they are general.
    detect: (columns, file) =>
      /^(alpaca|dolly)_/i.test(file) && holds(columns, "instruction", "input", "output"),
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
  coconot: {
    about:
      "allenai/coconot: requests with safety concerns are unsafe in the original set and only seem so in the contrast set, which a file's name says; the other categories are general",
    columns: { prompt: "prompt", kind: "subcategory" },
    label: ({ category = "" }, file) => {
      if (!/safety concerns/i.test(category)) return /contrast/i.test(file) ? "general" : undefined;
      return /contrast/i.test(file) ? "seemingly_toxic" : "toxic";
    },
    detect: (columns) => holds(columns, "category", "subcategory", "prompt"),
  },
  phtest: {
    about:
      "furonghuang-lab/PHTest, PHTest.csv: harmless requests only seem unsafe; controversial ones have no label",
    columns: { prompt: "Request", kind: "Harmfulness" },
    label: ({ Harmfulness = "" }) => (Harmfulness.trim() === "harmless" ? "seemingly_toxic" : undefined),
    detect: (columns) => holds(columns, "Request", "Harmfulness"),
  },
  jailbreakbench: {
    about:
      "JailbreakBench/JBB-Behaviors: the goals are prompts; a file's name says whether they are harmful or benign",
    columns: { prompt: "Goal", kind: "Category" },
    label: (_, file) =>
      /harmful/i.test(file) ? "toxic" : /benign/i.test(file) ? "seemingly_toxic" : undefined,
    detect: (columns) => holds(columns, "Goal", "Target", "Behavior", "Category"),
  },
  strongreject: {
    about: "alexandrasouly/strongreject, strongreject_dataset.csv: every prompt is unsafe",
    columns: { prompt: "forbidden_prompt", kind: "category" },
    label: () => "toxic",
    detect: (columns) => holds(columns, "forbidden_prompt", "category"),
  },
  stl: {
    about:
      "vinid/safety-tuned-llamas, data/evaluation/*.json: {instructions, inputs}; the names of the published files say the label",
    columns: { prompt: "instruction" },
    label: (_, file) => stlLabels.find(([name]) => name.test(file))?.[1],
    detect: (columns, file) => holds(columns, "instruction") && stlLabels.some(([name]) => name.test(file)),
  },
  starter: {
    about:
      "the embedded starter set: pairs.csv and helpful.jsonl carry labels; general.jsonl and safety.jsonl have one each",
    label: (_, file) => (/^general/.test(file) ? "general" : /^safety/.test(file) ? "toxic" : undefined),
  },
  own: { about: "a file of one's own: nothing is known beyond its columns" },
};

function holds(columns: readonly string[], ...names: string[]): boolean {
  return names.every((name) => columns.includes(name));
}

/** How a file is read whose columns and name show what it is. */
export interface Recognised {
  readonly format?: Format;
  readonly columns?: Columns;
  /** Label of every row that has none. */
  readonly label?: Label;
}

/**
 * The layout that a file's columns and name show: that of a format, else that of the published file of this name, where it has the
 * columns which that has. Undefined for a file of one's own.
 */
export function recognise(columns: readonly string[], file: string): Recognised | undefined {
  const format = (Object.keys(presets) as Format[]).find((each) => presets[each].detect?.(columns, file));
  if (format !== undefined) return { format };
  const published = publishedFile(file);
  if (published === undefined) return undefined;
  const { read } = published.file;
  // A file of which several suites take different rows has no one label.
  const isWhole = knownSuites.every(({ files }) =>
    files.every((each) => each.file !== published.file.file || each.read.where === undefined),
  );
  const inside = Object.values(read.columns ?? {}).map((path) => path.split(".")[0]!);
  if (!holds(columns, ...inside)) return undefined;
  return {
    ...(read.format && { format: read.format }),
    ...(read.columns && { columns: read.columns }),
    ...(isWhole && read.label && { label: read.label }),
  };
}

/** The columns of a file that are understood: by the layout that a person chose, and where that says nothing by what its columns and name show. */
export function columnsOf(columns: readonly string[], file: string, chosen: Layout = {}): Columns {
  const { format, columns: named } = chosen;
  return findColumns(columns, namedColumns(format ? { format } : recognise(columns, file), named));
}

/** The columns that a layout names, and those of whoever goes first. */
export function namedColumns(layout: Recognised | undefined, named: NamedColumns = {}): NamedColumns {
  const preset = layout?.format === undefined ? undefined : presets[layout.format];
  return { ...preset?.columns, ...layout?.columns, ...named };
}
