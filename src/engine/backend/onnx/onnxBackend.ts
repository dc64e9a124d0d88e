import { cpus } from "node:os";
import type { BackendRecord } from "../../../protocol/backend.ts";
import type { DeviceUse } from "../../../protocol/telemetry.ts";
import { linearModules } from "../../model/architecture.ts";
import { exportMerged } from "../../model/export.ts";
import type { LoadedModel } from "../../model/load.ts";
import type {
  Backend,
  BackendShape,
  BatchOptions,
  Example,
  ExampleLoss,
  FeatureOptions,
  Features,
  Found,
  GenerateOptions,
  Generation,
  GradientProductOptions,
  GradientProducts,
  GradientRow,
  Learned,
  MeasureOptions,
  ScoreOptions,
  Tokens,
  TokenTrie,
  Trainer,
  TrainerSpec,
  TrieScore,
} from "../backend.ts";
import type { Tap, TapReading } from "../interventions.ts";
import type { LiveModel } from "./decoder/liveModel.ts";
import { answerLosses } from "./programs/answers.ts";
import { promptFeatures } from "./programs/features.ts";
import { generate } from "./programs/generation.ts";
import { gradientProducts } from "./programs/gradients/gradientProducts.ts";
import { kernel } from "./programs/kernel.ts";
import { nextTokens } from "./programs/nextTokens.ts";
import { scoreTrie } from "./programs/score.ts";
import { tapExamples } from "./programs/tap.ts";
import { OnnxTrainer } from "./programs/trainer.ts";
import { runtimeVersion } from "./runtime/device.ts";

/** A model on onnxruntime. Finished adapters are merged into its weights. */
export class OnnxBackend implements Backend {
  readonly shape: BackendShape;
  private readonly model: LiveModel;

  constructor(model: LiveModel) {
    const { layers, hiddenSize, vocabSize, contextLength } = model.architecture;
    const linears = linearModules(model.architecture);
    this.shape = { layers, hiddenSize, vocabularySize: vocabSize, contextLength, linears };
    this.model = model;
  }

  get device(): string {
    return this.model.device.name;
  }

  get about(): BackendRecord {
    const deviceName = this.device === "cpu" ? (cpus()[0]?.model.trim() ?? null) : null;
    return { name: "onnx", version: runtimeVersion, deviceName, dtype: "float32", processes: 1 };
  }

  score(
    prompts: readonly Tokens[],
    trie: TokenTrie | readonly TokenTrie[],
    options: ScoreOptions = {},
  ): Promise<Found<TrieScore>> {
    return scoreTrie(this.model, prompts, trie, options);
  }

  nextTokens(
    prompts: readonly Tokens[],
    options: BatchOptions<Float32Array> = {},
  ): Promise<Found<Float32Array>> {
    return nextTokens(this.model, prompts, options);
  }

  features(prompts: readonly Tokens[], options: FeatureOptions): Promise<Map<number, Features>> {
    return promptFeatures(this.model, prompts, options);
  }

  losses(examples: readonly Example[], options: MeasureOptions = {}): Promise<ExampleLoss[]> {
    return answerLosses(this.model, examples, options);
  }

  generate(prompts: readonly Tokens[], options: GenerateOptions): Promise<Found<Generation>> {
    return generate(this.model, prompts, options);
  }

  tap(
    examples: readonly Example[],
    taps: readonly Tap[],
    options: MeasureOptions = {},
  ): Promise<TapReading[][][]> {
    return tapExamples(this.model, examples, taps, options);
  }

  async gradientProducts(
    left: readonly GradientRow[],
    right: readonly GradientRow[] | null,
    options: GradientProductOptions,
  ): Promise<GradientProducts> {
    return gradientProducts(this.model, this.shape, left, right, options);
  }

  kernel(features: Features, weights: Float32Array): Promise<Float32Array> {
    return kernel(this.model, features, weights);
  }

  createTrainer(spec: TrainerSpec): Promise<Trainer> {
    return OnnxTrainer.create(this.model, spec);
  }

  async adopt(learned: Learned): Promise<void> {
    if (learned.method === "lora") return this.model.merge(learned.adapter);
    return this.model.adopt(learned.weights);
  }

  export(
    folder: string,
    files: Pick<LoadedModel, "config" | "generationConfig" | "tokenizerFiles">,
  ): Promise<void> {
    return exportMerged(folder, files, this.model.weights);
  }

  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    return this.model.device.interruptible(check, work);
  }

  /** onnxruntime tells nothing of its devices; what it takes on the CPU is the process's own memory. */
  async use(): Promise<DeviceUse | null> {
    return null;
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
    await this.model.device.dispose();
  }
}
