/**
 * The PyTorch backend: the interface on a worker that runs the model by transformers. What is asked of a model is cut into batches here,
 * each of which is one request; the worker (`worker/`) runs it and answers with numbers. It knows no loss over features, no sampler, no
 * schedule and no rule.
 */
import type { BackendRecord } from "../../../protocol/backend.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import type { DeviceUse } from "../../../protocol/telemetry.ts";
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
import { generate } from "./generate.ts";
import { answerLosses, kernel, nextTokens, promptFeatures, scoreTries } from "./measure.ts";
import { tapExamples } from "./tap.ts";
import type { TorchModel } from "./torchModel.ts";

/** A model in a PyTorch worker. Finished adapters stay frozen beside its weights, which keep their type. */
export class TorchBackend implements Backend {
  private readonly model: TorchModel;

  constructor(model: TorchModel) {
    this.model = model;
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

  kernel(features: Features, weights: Float32Array): Promise<Float32Array> {
    return kernel(this.model, features, weights);
  }

  async createTrainer(_spec: TrainerSpec): Promise<Trainer> {
    throw notYet("Training");
  }

  async adopt(_learned: Learned): Promise<void> {
    throw notYet("Taking over an adapter");
  }

  async export(
    _folder: string,
    _files: Pick<LoadedModel, "config" | "generationConfig" | "tokenizerFiles">,
  ): Promise<void> {
    throw notYet("Export");
  }

  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    return this.model.interruption.during(check, work);
  }

  use(): Promise<DeviceUse | null> {
    return this.model.use();
  }

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}

function notYet(what: string): DiscernError {
  return new DiscernError(
    "request-invalid",
    `${what} does not run on the PyTorch backend yet. Use --set backend=onnx.`,
  );
}
