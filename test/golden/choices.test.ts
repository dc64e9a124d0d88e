import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readChoices } from "../../src/dataset/choices.ts";
import type { Backend } from "../../src/engine/backend/backend.ts";
import { answerChoices, chosen } from "../../src/engine/evaluate/choice.ts";
import { openSession, type Session } from "../../src/engine/session/session.ts";
import { ModelTokenizer } from "../../src/engine/tokenizer/tokenizer.ts";
import type { ChoiceReading } from "../../src/protocol/suiteDeclaration.ts";
import type { ChoiceSuite } from "../../src/recipe/suites.ts";
import { knownSuites } from "../../src/suites/registry.ts";
import { tinyBackend } from "../engine/model/tiny.ts";
import { describePublished, publishedPath } from "../publishedFiles.ts";
import { realModelPath } from "../realModel.ts";
import { tempFolder } from "../tempFolder.ts";
import { readGolden } from "./golden.ts";

interface Golden {
  readonly tokenizer: string;
  readonly suites: readonly {
    readonly suite: string;
    readonly shots: number;
    readonly rows: readonly string[];
    readonly examples: readonly string[];
    readonly found: readonly {
      readonly log_likelihoods: number[];
      readonly acc: number;
      readonly acc_norm: number;
      readonly acc_bytes: number;
    }[];
  }[];
}

function readingOf(id: string): ChoiceReading {
  const declaration = knownSuites.find((suite) => suite.id === id);
  if (declaration?.task !== "choice") throw new Error(`${id} is no suite of choices`);
  return declaration.choice;
}

const golden = readGolden<Golden>("choices.json");

describe("scores choices as lm-evaluation-harness does, on tiny/llama", () => {
  let backend: Backend;
  let tokenizer: ModelTokenizer;
  beforeAll(async () => {
    backend = (await tinyBackend("llama")).backend;
    const config = { tokenizer_class: "PreTrainedTokenizerFast", bos_token: "<s>", eos_token: "</s>" };
    const files = {
      tokenizer: JSON.parse(golden.tokenizer) as Record<string, unknown>,
      config,
      specialTokensMap: null,
      addedTokens: null,
      chatTemplate: null,
    };
    tokenizer = new ModelTokenizer(files, { vocab_size: 160, bos_token_id: 1, eos_token_id: 2 });
  });
  afterAll(() => backend.dispose());

  it.each(golden.suites.map((each) => [each.suite, each.shots, each] as const))(
    "%s with %d examples",
    async (id, shots, { rows, examples, found }) => {
      const reading = readingOf(id);
      const items = async (lines: readonly string[]) => {
        const file = join(tempFolder(), "rows.jsonl");
        writeFileSync(file, `${lines.join("\n")}\n`);
        return (await readChoices(file, reading)).items;
      };
      const suite: ChoiceSuite = {
        ...{ task: "choice", name: id, id, reading, shots, notices: [] },
        items: await items(rows),
        examples: examples.length > 0 ? await items(examples) : [],
      };
      const { choices = [], leftOut } = await answerChoices(backend, tokenizer, suite);
      expect(leftOut).toEqual([]);
      expect(choices.length).toBe(found.length);
      for (const [i, choice] of choices.entries()) {
        const expected = found[i]!;
        expect(furthest(choice.logLikelihoods, expected.log_likelihoods)).toBeLessThan(1e-3);
        const right = (per: Parameters<typeof chosen>[1]) => Number(chosen(choice, per) === choice.gold);
        expect([right("choice"), right("character"), right("byte")]).toEqual([
          expected.acc,
          expected.acc_norm,
          expected.acc_bytes,
        ]);
      }
    },
  );
});

describePublished("MMLU on SmolLM2-135M", () => {
  const found =
    readGolden<{ subject: string; shots: number; sha256: string; log_likelihoods: number[] }[]>(
      "mmlu_smollm2.json",
    );
  let session: Session;
  beforeAll(async () => {
    const model = await realModelPath();
    session = await openSession({
      ...{ model, root: ".", device: "cpu", template: "auto" },
    } as Parameters<typeof openSession>[0]);
  });
  afterAll(() => session.backend.dispose());

  it.each([0, 5])(
    "has the log-likelihoods of lm-evaluation-harness to 1e-3 with %d examples",
    { timeout: 1_800_000 },
    async (shots) => {
      const reading = readingOf("mmlu");
      const hash = (question: string, choices: readonly string[]) =>
        createHash("sha256")
          .update([question, ...choices].join("\n"))
          .digest("hex")
          .slice(0, 16);
      const own = found.filter((each) => each.shots === shots);
      const { items } = await readChoices(publishedPath("mmlu/test"), reading);
      const byHash = new Map(items.map((item) => [hash(item.question, item.choices), item]));
      const { items: examples } = await readChoices(publishedPath("mmlu/dev"), reading);
      const suite: ChoiceSuite = {
        ...{ task: "choice", name: "mmlu", id: "mmlu", reading, shots, examples, notices: [] },
        items: own.map(({ sha256 }) => byHash.get(sha256)!),
      };
      const { choices = [] } = await answerChoices(session.backend, session.tokenizer, suite);
      expect(choices.length).toBe(own.length);
      expect(own.length).toBe(shots === 0 ? 200 : 12);
      const errors = choices.map(({ logLikelihoods }, i) =>
        furthest(logLikelihoods, own[i]!.log_likelihoods),
      );
      console.log(`${choices.length} questions, ${shots} examples: largest error ${Math.max(...errors)}`);
      expect(Math.max(...errors)).toBeLessThan(1e-3);
    },
  );
});

function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}
