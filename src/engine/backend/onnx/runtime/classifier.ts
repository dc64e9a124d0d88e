import * as ort from "onnxruntime-node";
import { DiscernError } from "../../../../protocol/errors.ts";
import { greatestOf } from "../../../../statistics/extremes.ts";
import type { ClassifierInput, ClassifierOptions, TextClassifier } from "../../classifier.ts";

/** What the graph of a text classifier reads, as transformers and optimum name it. */
const known = ["input_ids", "attention_mask", "token_type_ids"] as const;
type Name = (typeof known)[number];

/** A text classifier as an ONNX file that somebody else exported. */
export class OnnxClassifier implements TextClassifier {
  private readonly session: ort.InferenceSession;
  private readonly file: string;
  private readonly options: ClassifierOptions;

  private constructor(session: ort.InferenceSession, file: string, options: ClassifierOptions) {
    this.session = session;
    this.file = file;
    this.options = options;
  }

  /** @throws DiscernError `model-invalid` where onnxruntime does not read the file, or it has other inputs than a classifier's. */
  static async open(file: string, options: ClassifierOptions): Promise<OnnxClassifier> {
    const { threads } = options;
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(file, {
        executionProviders: ["cpu"],
        enableCpuMemArena: false,
        logSeverityLevel: 3,
        ...(threads ? { intraOpNumThreads: threads } : {}),
      });
    } catch (cause) {
      throw new DiscernError(
        "model-invalid",
        `${file} cannot be read by onnxruntime: ${(cause as Error).message}`,
        {
          cause,
        },
      );
    }
    const other = session.inputNames.find((name) => !known.includes(name as Name));
    if (other === undefined && session.inputNames.includes("input_ids"))
      return new OnnxClassifier(session, file, options);
    await session.release();
    throw new DiscernError(
      "model-invalid",
      other === undefined
        ? `${file} does not read input_ids, so it is not a text classifier.`
        : `${file} reads "${other}". A text classifier reads ${known.join(", ")}.`,
    );
  }

  async logits(texts: readonly ClassifierInput[]): Promise<Float32Array[]> {
    const { labels, padId } = this.options;
    const length = greatestOf(texts.map(({ ids }) => ids.length));
    const filled = (of: (text: ClassifierInput, position: number) => number) =>
      new ort.Tensor(
        "int64",
        BigInt64Array.from({ length: texts.length * length }, (_, i) =>
          BigInt(of(texts[Math.floor(i / length)]!, i % length)),
        ),
        [texts.length, length],
      );
    const feeds: Record<Name, () => ort.Tensor> = {
      input_ids: () => filled(({ ids }, i) => ids[i] ?? padId),
      attention_mask: () => filled(({ ids }, i) => (i < ids.length ? 1 : 0)),
      token_type_ids: () => filled(({ types }, i) => types[i] ?? 0),
    };
    const fed = Object.fromEntries(this.session.inputNames.map((name) => [name, feeds[name as Name]()]));
    const output = this.session.outputNames.includes("logits") ? "logits" : this.session.outputNames[0]!;
    const { dims, data, type } = (await this.session.run(fed, [output]))[output] as ort.Tensor;
    if (type !== "float32" || dims.length !== 2 || dims[0] !== texts.length || dims[1] !== labels) {
      throw new DiscernError(
        "model-invalid",
        `${this.file} gives ${type} of the shape [${dims.join(", ")}] for ${texts.length} texts, and config.json names ${labels} labels.`,
      );
    }
    const numbers = data as Float32Array;
    if (!numbers.every(Number.isFinite)) {
      throw new DiscernError(
        "output-not-finite",
        `The logits of ${this.file} are not finite numbers. The file is damaged.`,
      );
    }
    return texts.map((_, i) => numbers.slice(i * labels, (i + 1) * labels));
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}
