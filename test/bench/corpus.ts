import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { encodePrompt, promptTemplate } from "../../src/engine/chat/template.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { refusalOpenings } from "../../src/protocol/openings.ts";

/** Real text as tokens, from which the tasks take their inputs. Both sides are given the same tokens. */
export interface Corpus {
  /** Path of the model both sides load. */
  readonly model: string;
  /** Prompts of matched pairs, seemingly toxic and toxic by turns, up to where the answer begins. */
  readonly pairs: readonly { ids: number[]; toxic: boolean }[];
  /** General prompts, up to where the answer begins. */
  readonly general: readonly number[][];
  /** General prompts and answers as one text without a template, so that no two slices of it begin alike. */
  readonly stream: readonly number[];
  /** Openings of a refusal, in one spelling each; none begins with another. */
  readonly openings: readonly number[][];
}

const starter = join(import.meta.dirname, "../../datasets/starter");

/** Tokenises the starter set for the model at `model`. */
export async function readCorpus(model: string): Promise<Corpus> {
  const { tokenizer } = await loadModel(model);
  const template = promptTemplate(tokenizer);
  const prompt = (text: string) => encodePrompt(tokenizer, template, text);
  const rows: { label: string; prompt: string }[] = parse(
    await readFile(join(starter, "pairs.csv"), "utf8"),
    {
      columns: true,
    },
  );
  const lines = (await readFile(join(starter, "general.jsonl"), "utf8")).trim().split("\n");
  const answered = lines.map((line) => JSON.parse(line) as { prompt: string; response: string });
  const openings = await Promise.all(refusalOpenings.map((text) => tokenizer.encode(text)));
  return {
    model,
    pairs: await Promise.all(
      rows.map(async (row) => ({ ids: await prompt(row.prompt), toxic: row.label === "toxic" })),
    ),
    general: await Promise.all(answered.map((pair) => prompt(pair.prompt))),
    stream: await tokenizer.encode(answered.map((pair) => `${pair.prompt}\n${pair.response}\n\n`).join("")),
    openings: openings.filter(
      (one, i) => !openings.some((other, j) => i !== j && other.every((token, t) => token === one[t])),
    ),
  };
}
