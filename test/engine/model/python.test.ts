import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Adapter,
  concatAdapters,
  mergeAdapter,
  readAdapter,
  writeAdapter,
} from "../../../src/engine/model/adapter.ts";
import { exportMerged } from "../../../src/engine/model/export.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { committedPath } from "../../golden/golden.ts";
import { skipWithoutTorch, testPython } from "../../python.ts";
import { realModelPath } from "../../realModel.ts";
import { ggufFile, ggufMetadata, ggufTensors } from "./ggufFile.ts";
import { numbersOf } from "./numbers.ts";
import { ggufFamilies, tinyModels, tinyPath } from "./tiny.ts";

const missing = skipWithoutTorch("exports in transformers and peft");

interface Answer {
  problems: Record<string, string[]>;
  adapted: string[];
  logits: number[];
  raw_ids: number[];
  chat_ids: number[];
  greedy: number[];
}

const readJson = (...parts: string[]) => JSON.parse(readFileSync(committedPath(...parts), "utf8"));

function expectClose(found: number[], expected: number[]): void {
  expect(found).toHaveLength(expected.length);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(worst).toBeLessThan(1e-4);
}

describe.skipIf(missing)("exports load in transformers and peft", () => {
  const folder = mkdtempSync(join(tmpdir(), "discern-"));
  let answers: Record<string, Answer> = {};

  beforeAll(async () => {
    const tasks: Record<string, object> = {};
    for (const name of tinyModels) {
      const model = await loadModel(tinyPath(name));
      await exportMerged(join(folder, name), model, model.weights);
      tasks[name] = {
        model: join(folder, name),
        ids: [readJson("tiny", name, "expected.json").input_ids[0]],
      };
    }

    for (const name of ggufFamilies) {
      const { architecture, weights } = await loadModel(tinyPath(name));
      const file = join(folder, `${name}.gguf`);
      writeFileSync(
        file,
        ggufFile(ggufMetadata(architecture), ggufTensors(await numbersOf(weights), architecture)),
      );
      const model = await loadModel(file);
      await exportMerged(join(folder, `${name}_gguf`), model, model.weights);
      tasks[`${name}_gguf`] = { ...tasks[name], model: join(folder, `${name}_gguf`) };
    }

    const real = await loadModel(await realModelPath());
    await exportMerged(join(folder, "real"), real, real.weights);
    tasks.real = { model: join(folder, "real"), prompt: readJson("smollm2.json")[0].prompt, greedy: 8 };

    const base = tinyPath("llama");
    const { input_ids: ids } = readJson("peft_adapter", "expected.json");
    for (const [name, adapter] of Object.entries(await adapters())) {
      const model = await loadModel(base);
      await writeAdapter(join(folder, name), adapter);
      tasks[name] = { model: base, adapter: join(folder, name), ids };
      mergeAdapter(model.weights, adapter);
      await exportMerged(join(folder, `${name}_merged`), model, model.weights);
      tasks[`${name}_merged`] = { model: join(folder, `${name}_merged`), ids };
    }

    const script = join(import.meta.dirname, "load_in_python.py");
    const env = { HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" };
    const { stdout } = await execa(testPython!, [script], { env, input: JSON.stringify(tasks) });
    answers = JSON.parse(stdout);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** PEFT's own adapter written again, and one whose modules differ in rank and scale. */
  async function adapters(): Promise<Record<"again" | "ranks", Adapter>> {
    const { architecture } = await loadModel(tinyPath("llama"));
    const again = await readAdapter(committedPath("peft_adapter"), architecture);
    const name = "model.layers.0.self_attn.q_proj";
    const more = { modules: new Map([[name, { ...again.modules.get(name)!, scale: 0.5 }]]), baseModel: null };
    return { again, ranks: concatAdapters([again, more]) };
  }

  it.each(tinyModels)("%s computes what it did", (name) => {
    expect(answers[name]!.problems).toEqual({});
    expectClose(answers[name]!.logits, readJson("tiny", name, "expected.json").logits_row0_last);
  });

  it.each(ggufFamilies)("%s computes what it did, also through GGUF", (name) => {
    expect(answers[`${name}_gguf`]!.problems).toEqual({});
    expectClose(answers[`${name}_gguf`]!.logits, readJson("tiny", name, "expected.json").logits_row0_last);
  });

  it("the real model keeps its tokenizer, chat template and answers, from GGUF", () => {
    const [{ raw_ids, chat_ids, greedy_ids }] = readJson("smollm2.json");
    const greedy = greedy_ids.slice(0, 8);
    expect(answers.real).toEqual({ problems: {}, raw_ids, chat_ids, greedy });
  });

  it("an adapter, written again, computes what PEFT's own does, and merged likewise", () => {
    const { logits_last } = readJson("peft_adapter", "expected.json");
    expectClose(answers.again!.logits, logits_last);
    expectClose(answers.again_merged!.logits, logits_last);
  });

  it("an adapter of several ranks adapts the same modules and computes what its merge does", () => {
    expect(answers.ranks!.adapted).toEqual(answers.again!.adapted);
    expect(answers.ranks!.adapted).toHaveLength(8);
    expectClose(answers.ranks!.logits, answers.ranks_merged!.logits);
  });
});
