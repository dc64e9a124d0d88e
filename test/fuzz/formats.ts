import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { readColumns, sniff } from "../../src/dataset/discover.ts";
import { LabelFile } from "../../src/dataset/labelFile.ts";
import { readLabels } from "../../src/dataset/labels.ts";
import { selectPart } from "../../src/dataset/parts.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { rowLines } from "../../src/dataset/rowLines.ts";
import { compareRuns } from "../../src/engine/abilities/compare.ts";
import { encodePrompt, promptTemplate } from "../../src/engine/chat/template.ts";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import { readAdapter, writeAdapter } from "../../src/engine/model/adapter.ts";
import { architectureFromConfig } from "../../src/engine/model/architectureFromConfig.ts";
import { inspectModel, loadModel } from "../../src/engine/model/load.ts";
import { reportMarkdown } from "../../src/engine/report/markdown.ts";
import { presets } from "../../src/recipe/presets.ts";
import { checkRecipe, parseRecipe } from "../../src/recipe/recipeFile.ts";
import { EventLog, EventReader, readEventLog } from "../../src/runFolder/eventLog.ts";
import { openRun } from "../../src/runFolder/folder.ts";
import { readJudgements } from "../../src/runFolder/judgements.ts";
import { said, testJudges, testMethod } from "../engine/evaluate/fixture.ts";
import { ggufFile, ggufMetadata, ggufTensors } from "../engine/model/ggufFile.ts";
import { numbersOf } from "../engine/model/numbers.ts";
import { runManifest } from "../runManifest.ts";
import { writeTinyModel } from "../tinyModel.ts";
import type { Shape } from "./mutate.ts";

/** A file that is mutated and then read, with the files it needs beside it. */
export interface Format {
  readonly name: string;
  readonly shape: Shape;
  /** Writes a valid file and what belongs to it, and says its path in the folder. */
  write(folder: string): Promise<string>;
  /**
   * Reads the file. DiscernErrors are as good as results; any other error is a fault.
   *
   * @throws Error that begins with "lost:" where a row or a line is neither read nor reported.
   */
  read(folder: string, bytes: Buffer): Promise<void>;
}

const labels = ["toxic", "seemingly_toxic", "safe", "unsafe", "general", "odd", ""];
const prompts = Array.from({ length: 12 }, (_, i) => ({
  prompt: `${["How do I paint door", "Où est la clé", "ドアはどこ"][i % 3]} number ${i}, "quoted"?`,
  label: labels[i % labels.length]!,
  kind: `kind ${i % 3}`,
  response: i % 2 ? "An answer.\nOf two lines." : "No.",
}));
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const table = (delimiter: string, quote: (text: string) => string) =>
  ["prompt", "label", "kind", "response"].join(delimiter) +
  prompts
    .map(
      ({ prompt, label, kind, response }) =>
        `\n${[prompt, label, kind, response].map(quote).join(delimiter)}`,
    )
    .join("") +
  "\n";
const plain = (text: string) => text.replace(/["\n,\t]/g, " ");
const jsonLines = (items: readonly unknown[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("");

const lost = (what: string, expected: number, found: number) => {
  if (expected !== found)
    throw new Error(`lost: ${expected} ${what} are there, ${found} were read or reported`);
};

/** Lines that are not blank, counted without the readers; undefined where the bytes are not plain UTF-8. */
function lineCount(bytes: Buffer): number | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text.split("\n").filter((line) => line.trim() !== "").length;
  } catch {
    return undefined;
  }
}

/** A prompt file. @param rows how many rows its bytes hold, where that can be known without the readers */
function promptFile(
  ending: string,
  shape: Shape,
  content: string | Uint8Array,
  rows: (bytes: Buffer) => number | undefined,
): Format {
  const file = `prompts.${ending}`;
  return {
    name: ending,
    shape,
    async write(folder) {
      await writeFile(join(folder, file), content);
      return file;
    },
    async read(folder, bytes) {
      const path = join(folder, file);
      await sniff(path);
      // A damaged Parquet file may take seconds to be given up, and one reading shows it.
      const others =
        ending === "parquet" ? [] : [() => readColumns(path), () => selectPart("suite", { file: path })];
      for (const other of others) await other().catch(mustBeKnown);
      const { records, problems, rows: told } = await readPrompts(path);
      lost("rows", told, records.length + problems.length);
      const expected = rows(bytes);
      if (expected !== undefined) lost("rows", expected, told);
      for (const { prompt } of records) {
        if (
          prompt.includes("\uFFFD") &&
          !bytes.includes("\uFFFD") &&
          !bytes.includes("fffd") &&
          lineCount(bytes) !== undefined
        ) {
          throw new Error("lost: U+FFFD was made of other bytes");
        }
      }
      if (ending === "json") rowLines(bytes.toString("utf8"));
    },
  };
}

function mustBeKnown(error: unknown): void {
  if (!(error instanceof Error && error.name === "DiscernError")) throw error;
}

const unquotedTable = (bytes: Buffer) => {
  const count = lineCount(bytes);
  // With quotes a row may have several lines, and a lone carriage return ends one.
  if (count === undefined || count === 0 || /["\r]/.test(bytes.toString("utf8"))) return undefined;
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  return text.split("\n").filter((line) => line !== "").length - 1;
};

const parquet = () =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: (["prompt", "label", "kind", "response"] as const).map((name) => ({
        name,
        data: prompts.map((prompt) => prompt[name]),
        type: "STRING" as const,
      })),
      codec: "SNAPPY",
    }),
  );

const promptFiles: readonly Format[] = [
  promptFile("csv", "text", table(",", quoted), () => undefined),
  { ...promptFile("csv", "text", table(",", plain), unquotedTable), name: "csv-unquoted" },
  promptFile("tsv", "text", table("\t", plain), unquotedTable),
  promptFile("jsonl", "jsonl", jsonLines(prompts), lineCount),
  promptFile("json", "json", JSON.stringify(prompts), (bytes) => {
    try {
      const value: unknown = JSON.parse(bytes.toString("utf8"));
      return Array.isArray(value) && lineCount(bytes) !== undefined ? value.length : undefined;
    } catch {
      return undefined;
    }
  }),
  {
    ...promptFile(
      "json",
      "json",
      JSON.stringify({ instructions: prompts.map(({ prompt }) => prompt), inputs: prompts.map(() => "") }),
      () => undefined,
    ),
    name: "json-columns",
  },
  promptFile("txt", "text", prompts.map(({ prompt }) => `${prompt}\n`).join(""), lineCount),
  promptFile("parquet", "bytes", parquet(), () => undefined),
];

/** A log of lines. @param count how many lines the reader read or reported */
function log(name: string, lines: readonly unknown[], count: (path: string) => Promise<number>): Format {
  return {
    name,
    shape: "jsonl",
    async write(folder) {
      await writeFile(join(folder, "log.jsonl"), jsonLines(lines));
      return "log.jsonl";
    },
    async read(folder, bytes) {
      const found = await count(join(folder, "log.jsonl"));
      const expected = lineCount(bytes);
      if (expected !== undefined) lost("lines", expected, found);
    },
  };
}

const at = "2026-01-01T00:00:00.000Z";
const decisions = prompts.map((_, i) => ({
  id: `id${i % 5}`,
  label: ["toxic", "skip", null, "withdrawn", "general"][i % 5],
  by: i % 2 ? "ann" : "zoë",
  at,
  ...(i === 3 ? { undo: true } : {}),
}));
const labelLines = [
  ...decisions,
  { id: "id1", pair: "a", by: "ann", at },
  { id: "id2", label: "toxic", by: "ben", at, pass: 2, merged: { by: "ann", at } },
  { merge: at, by: "ann", at, undo: true },
];
const judgements = prompts.map((_, i) => ({
  id: `id${i}`,
  suite: "s",
  method: "a",
  seed: 0,
  response: "0".repeat(64),
  verdict: i % 2 ? "full_refusal" : null,
  by: "ann",
  at,
}));
const panel = { mean: 0.5, perPrompt: [0.5, null] };
const events = [
  {
    type: "run-started",
    name: "r",
    model: "m",
    device: "cpu",
    seed: 0,
    hashes: { a: "b" },
    stages: [{ type: "supervised", steps: 2 }],
    totalSteps: 2,
  },
  { type: "stage-started", stage: 0, kind: "supervised", steps: 2 },
  {
    type: "step",
    stage: 0,
    step: 1,
    globalStep: 1,
    loss: 1,
    learningRate: 0.1,
    gradientNorm: null,
    tokens: 5,
    seconds: 1,
  },
  {
    type: "probe",
    stage: 0,
    step: 1,
    globalStep: 1,
    toxic: panel,
    seeminglyToxic: panel,
    general: panel,
    generalLoss: 2,
  },
  { type: "warning", message: "w" },
  { type: "run-stopped", stage: 0, step: 1 },
].map((event, seq) => ({ seq, at, ...event }));

const logs: readonly Format[] = [
  log("labels", labelLines, async (path) => {
    const file = new LabelFile(path);
    await file.read();
    file.history("ann");
    await readLabels(path);
    return file.entries.length + file.problems.length;
  }),
  log("judgements", judgements, async (path) => {
    const read = await readJudgements(path);
    return read.judgements.length + read.broken.length;
  }),
  log("events", events, async (path) => {
    const reader = new EventReader(path);
    for await (const _ of reader.read());
    const read = readEventLog(path);
    EventLog.open(path).log.close();
    return read.events.length + read.damaged.length;
  }),
];

const results = prompts.map(({ prompt, kind }, i) => ({
  id: `id${i}`,
  suite: "s",
  prompt,
  unsafe: i % 2 === 0,
  kind,
  response: "No.",
  verdicts: said(i % 3 ? "full_refusal" : "full_compliance"),
  refusalProbability: i / 20,
  refusalLogOdds: i - 5,
}));
const report = () =>
  buildReport(
    {
      model: { name: "m" },
      methods: [testMethod("untrained"), testMethod("a")],
      judges: testJudges,
      answers: [
        { method: "untrained", seed: 0, results },
        {
          method: "a",
          seed: 0,
          results: results.map((result) => ({ ...result, verdicts: said("full_refusal") })),
        },
      ],
      series: [
        {
          method: "a",
          seed: 0,
          points: [0, 1, 2].map((step) => ({ step, toxic: step / 3, seeminglyToxic: step / 4, general: 0 })),
        },
      ],
    },
    { draws: 20 },
  );

const json = (
  name: string,
  file: string,
  content: () => unknown,
  read: (path: string) => Promise<unknown>,
): Format => ({
  name,
  shape: "json",
  async write(folder) {
    await writeFile(join(folder, file), JSON.stringify(content(), null, 1));
    return file;
  },
  async read(folder) {
    await read(join(folder, file));
  },
});

const recipe = () => ({ ...presets.default, model: "m" });

const records: readonly Format[] = [
  json("report", "report.json", report, async (path) => reportMarkdown(await compareRuns([path]))),
  json("recipe", "r.discern.json", recipe, async (path) => {
    const bytes = await readFile(path);
    const parsed = parseRecipe(bytes.toString("utf8"), path);
    checkRecipe(parsed);
  }),
  {
    name: "manifest",
    shape: "json",
    async write(folder) {
      await writeFile(
        join(folder, "recipe.json"),
        JSON.stringify(parseRecipe(JSON.stringify(recipe()), "r")),
      );
      await writeFile(join(folder, "events.jsonl"), "");
      await writeFile(join(folder, "manifest.json"), JSON.stringify(runManifest()));
      return "manifest.json";
    },
    async read(folder) {
      await openRun(folder);
    },
  },
];

/** A file of a tiny model's folder. */
function modelFile(file: string, shape: Shape): Format {
  return {
    name: file,
    shape,
    async write(folder) {
      await writeTinyModel(folder);
      if (file === "chat_template.jinja") {
        const config = JSON.parse(await readFile(join(folder, "tokenizer_config.json"), "utf8"));
        await writeFile(join(folder, file), config.chat_template);
      }
      if (file === "model.safetensors.index.json") {
        const { weights } = await loadModel(folder);
        const map = Object.fromEntries([...weights.keys()].map((name) => [name, "model.safetensors"]));
        await writeFile(join(folder, file), JSON.stringify({ metadata: {}, weight_map: map }));
      }
      return file;
    },
    read: (folder) => readModel(folder),
  };
}

async function readModel(path: string): Promise<void> {
  await inspectModel(path);
  const { tokenizer, weights } = await loadModel(path);
  for (const tensor of weights.values()) await tensor.float32();
  await encodePrompt(tokenizer, promptTemplate(tokenizer), "How are you?");
}

function adapterFile(file: string, shape: Shape): Format {
  return {
    name: file,
    shape,
    async write(folder) {
      await writeTinyModel(join(folder, "model"));
      const { weights } = await loadModel(join(folder, "model"));
      const module = "model.layers.0.self_attn.q_proj";
      const [rows, columns] = weights.get(`${module}.weight`)!.shape;
      const factor = (shape: [number, number]) => ({
        shape,
        data: new Float32Array(shape[0] * shape[1]).fill(0.1),
      });
      const modules = new Map([[module, { a: factor([2, columns!]), b: factor([rows!, 2]), scale: 1 }]]);
      await writeAdapter(folder, { modules, baseModel: null }, { baseModel: "m" });
      return file;
    },
    async read(folder) {
      const config = JSON.parse(await readFile(join(folder, "model/config.json"), "utf8"));
      await readAdapter(folder, architectureFromConfig(config));
    },
  };
}

const gguf: Format = {
  name: "gguf",
  shape: "bytes",
  async write(folder) {
    const model = await loadModel(await writeTinyModel(join(folder, "model")));
    const first = ["t", "1", "2", "t1", "t2"];
    const texts = Array.from({ length: model.architecture.vocabSize }, (_, i) => first[i] ?? `x${i}`);
    const metadata = {
      ...ggufMetadata(model.architecture),
      "tokenizer.ggml.model": { text: "gpt2" },
      "tokenizer.ggml.tokens": { texts },
      "tokenizer.ggml.merges": { texts: ["t 1", "t 2"] },
    };
    await writeFile(
      join(folder, "m.gguf"),
      ggufFile(metadata, ggufTensors(await numbersOf(model.weights), model.architecture)),
    );
    return "m.gguf";
  },
  read: (folder) => readModel(join(folder, "m.gguf")),
};

/** Every format that is read from files which others may have written or damaged. */
export const formats: readonly Format[] = [
  ...promptFiles,
  ...logs,
  ...records,
  modelFile("config.json", "json"),
  modelFile("tokenizer.json", "json"),
  modelFile("tokenizer_config.json", "json"),
  modelFile("chat_template.jinja", "text"),
  modelFile("model.safetensors", "bytes"),
  modelFile("model.safetensors.index.json", "json"),
  adapterFile("adapter_config.json", "json"),
  adapterFile("adapter_model.safetensors", "bytes"),
  gguf,
];
