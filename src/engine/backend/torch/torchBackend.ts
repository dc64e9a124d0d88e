/**
 * The PyTorch backend: the interface on a worker that runs the model by transformers. What is asked of a model is cut into batches here,
 * each of which is one request; the worker (`worker/`) runs it and answers with numbers. It knows no loss over features, no sampler, no
 * schedule and no rule.
 */
import type { BackendRecord } from "../../../protocol/backend.ts";
import type { DeviceUse } from "../../../protocol/telemetry.ts";
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
import type { ContrastTerms } from "../contrastTerms.ts";
import type { Tap, TapReading } from "../interventions.ts";
import { generate } from "./generate.ts";
import { gradientProducts } from "./gradients.ts";
import { adopt, currentWeights } from "./learned.ts";
import { answerLosses, kernel, nextTokens, promptFeatures, scoreTries } from "./measure.ts";
import { tapExamples } from "./tap.ts";
import type { TorchModel } from "./torchModel.ts";
import { TorchTrainer } from "./trainer.ts";

/** A model in a PyTorch worker. Finished adapters stay frozen beside its weights, which keep their type. */
export class TorchBackend implements Backend {
  private readonly model: TorchModel;
  private readonly terms: ContrastTerms;

  /** @param terms computes what is lost over features; it is disposed of with the backend. */
  constructor(model: TorchModel, terms: ContrastTerms) {
    this.model = model;
    this.terms = terms;
  }

  get device(): string {
    return this.model.device;
  }

  get about(): BackendRecord {
    return this.model.about;
  }

  get shape(): BackendShape {
    return this.model.shape;
  }

  async score(
    prompts: readonly Tokens[],
    trie: TokenTrie | readonly TokenTrie[],
    options: ScoreOptions = {},
  ): Promise<Found<TrieScore>> {
    return scoreTries(this.model, prompts, trie, options);
  }

  async nextTokens(
    prompts: readonly Tokens[],
    options: BatchOptions<Float32Array> = {},
  ): Promise<Found<Float32Array>> {
    return nextTokens(this.model, prompts, options);
  }

  async features(prompts: readonly Tokens[], options: FeatureOptions): Promise<Map<number, Features>> {
    return promptFeatures(this.model, prompts, options);
  }

  async losses(examples: readonly Example[], options: MeasureOptions = {}): Promise<ExampleLoss[]> {
    return answerLosses(this.model, examples, options);
  }

  async generate(prompts: readonly Tokens[], options: GenerateOptions): Promise<Found<Generation>> {
    return generate(this.model, prompts, options);
  }

  async tap(
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
    return gradientProducts(this.model, left, right, options);
  }

  kernel(features: Features, weights: Float32Array): Promise<Float32Array> {
    return kernel(this.model, features, weights);
  }

  createTrainer(spec: TrainerSpec): Promise<Trainer> {
    return TorchTrainer.create(this.model, spec, this.terms);
  }

  adopt(learned: Learned): Promise<void> {
    return adopt(this.model, learned);
  }

  export(
    folder: string,
    files: Pick<LoadedModel, "config" | "generationConfig" | "tokenizerFiles">,
  ): Promise<void> {
    return exportMerged(folder, files, currentWeights(this.model));
  }

  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    return this.model.interruption.during(check, work);
  }

  use(): Promise<DeviceUse | null> {
    return this.model.use();
  }

  async dispose(): Promise<void> {
    await this.terms.dispose();
    await this.model.dispose();
  }
}
