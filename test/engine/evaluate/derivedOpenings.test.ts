import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseSource, parseSuites } from "../../../src/engine/abilities/evaluate.ts";
import { deriveOpenings, type OpeningsOptions } from "../../../src/engine/abilities/openings.ts";
import { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../../src/engine/chat/template.ts";
import { beginningsOf } from "../../../src/engine/evaluate/beginnings.ts";
import {
  derivedOpenings,
  type JudgedSamples,
  openingsCaveats,
} from "../../../src/engine/evaluate/derivedOpenings.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { spellings } from "../../../src/engine/probe/tokenTrie.ts";
import { ModelTokenizer } from "../../../src/engine/tokenizer/tokenizer.ts";
import { torchSchema } from "../../../src/protocol/backend.ts";
import type { Outcome } from "../../../src/protocol/report/verdicts.ts";
import { writeTinyModel } from "../../tinyModel.ts";

let folder: string;
let bytes: PromptEncoder;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "discern-openings-"));
  const { tokenizer } = await loadModel(await writeTinyModel(join(folder, "model")), {
    needsTokenizer: true,
  });
  bytes = new PromptEncoder(tokenizer, promptTemplate(tokenizer));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A tokenizer of SentencePiece's kind: it puts a space before what it is given, and has whole words. */
function words(): PromptEncoder {
  const pieces = ["<s>", "</s>", "▁", ..."abcdefghijklmnopqrstuvwxyzIS'’.\n", "no", "▁no", "▁I", "ca", "▁ca"];
  const tokenizer = new ModelTokenizer(
    {
      tokenizer: {
        added_tokens: [],
        pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
        decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
        model: {
          type: "BPE",
          vocab: Object.fromEntries(pieces.map((piece, i) => [piece, i])),
          merges: [
            ["n", "o"],
            ["▁", "no"],
            ["▁", "I"],
            ["c", "a"],
            ["▁", "ca"],
          ],
        },
      },
      config: { bos_token: "<s>", eos_token: "</s>" },
      specialTokensMap: null,
      addedTokens: null,
      chatTemplate: "{{ messages[0].content }}\n{{ messages[1].content if messages|length > 1 }}",
    },
    {},
  );
  return new PromptEncoder(tokenizer, promptTemplate(tokenizer));
}

/** Answers as a model would have generated them. */
async function given(encoder: PromptEncoder, texts: readonly string[]) {
  const rows = await encoder.openings(texts);
  return rows.map((ids, i) => ({ prompt: `p${i}`, ids }));
}

describe("beginnings of answers", () => {
  it("are one text for every apostrophe and a space before it", async () => {
    const answers = await given(bytes, ["I'm no", "I’m no", " I'm no"]);
    const [found] = await beginningsOf([{ encoder: bytes, answers }], { depth: 12, support: 1 });
    for (const each of found!) expect(each).toContain("I'm n");
    // Half of a character is no text: "’" is three tokens of this tokenizer.
    expect(found![1]!.every((text) => !text.includes("\ufffd"))).toBe(true);
  });

  it.each([
    ["bytes", () => bytes],
    ["SentencePiece", words],
  ])("are counted where the scorer counts them alone (%s)", async (_, make) => {
    const encoder = make();
    const texts = ["no I can", " no I can", "I can no", "\nI can", "I’ll no"];
    const answers = await given(encoder, texts);
    // The same words, cut as the tokenizer would never cut them.
    const spelled = await encoder.openings(["n", "o", "I"]);
    answers.push({ prompt: "q", ids: [...spelled[0]!, ...spelled[1]!, ...spelled[2]!] });
    const [found] = await beginningsOf([{ encoder, answers }], { depth: 6, support: 1 });
    expect(found!.flat().length).toBeGreaterThan(10);
    for (const [i, { ids }] of answers.entries()) {
      for (const text of found![i]!) {
        const sequences = await encoder.openings(spellings(text));
        expect(sequences.some((each) => each.every((id, k) => ids[k] === id))).toBe(true);
      }
    }
    expect(found![3]!.some((text) => text.startsWith("\nI"))).toBe(true);
  });
});

const options = {
  ...{ samples: 4, maxNewTokens: 8, temperature: 1, depth: 9, coverage: 0.9, falseShare: 0.05, support: 2 },
  ...{ folds: 5, shuffles: 4 },
};
const about = { model: "tiny", files: [], tokenizer: "t", template: "chat" };

async function judged(name: string, rows: readonly (readonly [string, Outcome])[]): Promise<JudgedSamples> {
  const answers = await given(
    bytes,
    rows.map(([text]) => text),
  );
  return {
    about: { name, ...about },
    encoder: bytes,
    answers: answers.map(({ ids }, i) => ({ prompt: `p${i % 12}`, ids, outcome: rows[i]![1] })),
  };
}

it("derives openings over all models, with counts of each and the default list beside them", async () => {
  const own = Array.from({ length: 24 }, (_, i): [string, Outcome] =>
    i % 2 ? ["Sure: here", "complied"] : ["That wish is beyond me", "refused"],
  );
  const other = Array.from({ length: 24 }, (_, i): [string, Outcome] =>
    i % 3 === 0
      ? ["I cannot do so", "refused"]
      : i % 3 === 1
        ? ["Indeed: it is", "complied"]
        : ["", "undetermined"],
  );
  const found = (await derivedOpenings([await judged("a", own), await judged("b", other)], options, 0))!;
  expect(found.openings.map(({ text }) => text)).toEqual(["T", "I c"]);
  expect(found.openings[0]).toMatchObject({ refusals: 12, methods: [{ refusals: 12 }, { refusals: 0 }] });
  expect(found.methods.map(({ counts }) => counts.undetermined)).toEqual([0, 8]);
  // The default list knows "I cannot" alone: 8 of 20 refusals.
  expect(found.listed.coverage).toMatchObject({ value: 0.4, n: 20 });
  expect(found.heldOut.coverage).toMatchObject({ value: 1, n: 20 });
  expect(found.control.coverage!.greatest).toBeLessThan(0.5);
  expect(found.reached).toBe(true);
  const caveats = openingsCaveats(found, options, { id: "arditi", isString: true }).join("\n");
  expect(caveats).toContain("8 of b");
  expect(caveats).not.toContain("misses what was asked for");
});

it("finds none where refusals begin as compliances do", async () => {
  const alike = Array.from({ length: 8 }, (_, i): [string, Outcome] => [
    "Well, no",
    i % 2 ? "complied" : "refused",
  ]);
  expect(await derivedOpenings([await judged("a", alike)], options, 0)).toBeNull();
});

describe("a derivation", () => {
  const prompts = (text: string) => [parseSource(text).source];
  const derive = (sources: string, change: Partial<OpeningsOptions> = {}) =>
    deriveOpenings(
      [join(folder, "model")],
      prompts(sources),
      {
        ...{ root: folder, device: "cpu", backend: "onnx", memory: "auto", template: "auto" },
        torch: torchSchema.parse({}),
      },
      {
        ...{ judge: "arditi", seed: 0, derivation: { ...options, samples: 2 }, batchSize: 8, suites: [] },
        out: "new.openings.json",
        ...change,
      },
    );

  it("refuses prompts that are tested on, word by word", async () => {
    await expect(
      derive("starter:pairs.csv?split=test&limit=4", {
        suites: parseSuites(["starter:pairs.csv?split=test"]),
      }),
    ).rejects.toThrow(/4 of the \d+ prompts of the suite pairs .* name training prompts/s);
  });

  it("says what it samples before it does, and how many answers refuse where all or none do", async () => {
    const told: string[] = [];
    await expect(
      derive("starter:pairs.csv?split=train&limit=4", {
        onPlanned: (models, asked) => told.push(`${asked} prompts, ${models} model`),
        onProgress: (model, done, total) => told.push(`${model} ${done}/${total}`),
      }),
    ).rejects.toThrow("By the judge arditi, 0 of 8 answers refuse");
    expect(told[0]).toBe("4 prompts, 1 model");
    expect(told.at(-1)).toBe("model 8/8");
  });

  it("never writes over openings, and takes a judge of refusal alone", async () => {
    await writeFile(join(folder, "old.openings.json"), "{}");
    await expect(
      derive("starter:pairs.csv?split=train&limit=4", { out: "old.openings.json" }),
    ).rejects.toThrow("never overwritten");
    await expect(derive("starter:pairs.csv", { out: "old.json" })).rejects.toThrow("ends in .openings.json");
    const aborted = AbortSignal.abort(new Error("cancelled"));
    await expect(derive("starter:pairs.csv?split=train&limit=4", { signal: aborted })).rejects.toThrow(
      "cancelled",
    );
  });
});
