import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openClassifier } from "../../src/engine/backend/open.ts";
import { readJsonObject, readTokenizerFiles } from "../../src/engine/model/hfFolder.ts";
import { EncoderTokenizer } from "../../src/engine/tokenizer/encoderTokenizer.ts";
import { goldenPath, readGolden } from "./golden.ts";

interface Case {
  readonly prompt?: string;
  readonly response: string;
  readonly ids: number[];
  readonly logits: number[];
}
interface Expected {
  readonly longest: number;
  readonly responses: readonly Case[];
  readonly pairs: readonly Case[];
}

describe.each(["roberta", "bert", "modernbert"])("a text classifier of the family %s", (kind) => {
  const folder = goldenPath("classifier", kind);
  const { longest, responses, pairs } = readGolden<Expected>("classifier", kind, "expected.json");
  const cases = [...responses, ...pairs];

  async function tokenizer(): Promise<EncoderTokenizer> {
    const files = await readTokenizerFiles(folder, ["tokenizer.json", "tokenizer_config.json"]);
    return new EncoderTokenizer(files, await readJsonObject(join(folder, "config.json")));
  }
  const encoded = (encoder: EncoderTokenizer, { prompt, response }: Case) =>
    prompt === undefined ? encoder.encode(response) : encoder.encode(prompt, response);

  test("reads texts and pairs as transformers does, cut to what it holds", async () => {
    const encoder = await tokenizer();
    expect(encoder.longest).toBe(longest);
    for (const each of cases) {
      expect((await encoded(encoder, each)).ids, JSON.stringify([each.prompt, each.response])).toEqual(
        each.ids,
      );
    }
  });

  test("gives PyTorch's logits, whatever a text is padded to", async () => {
    const encoder = await tokenizer();
    const options = { labels: 2, padId: encoder.padId, threads: 1 };
    const model = await openClassifier(join(folder, "onnx", "model.onnx"), options);
    const texts = await Promise.all(cases.map((each) => encoded(encoder, each)));
    const together = await model.logits(texts);
    for (const [i, { logits }] of cases.entries()) {
      const [alone] = await model.logits([texts[i]!]);
      for (const found of [together[i]!, alone!]) {
        expect(found).toHaveLength(2);
        for (const [label, logit] of logits.entries()) expect(found[label]).toBeCloseTo(logit, 4);
      }
    }
    await expect(
      openClassifier(join(folder, "onnx", "model.onnx"), { ...options, labels: 3 }).then((other) =>
        other.logits(texts),
      ),
    ).rejects.toThrow(/config.json names 3 labels/);
    await model.dispose();
  });
});
