import type { BackendRecord } from "../../protocol/backend.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { DeviceUse } from "../../protocol/telemetry.ts";
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
  GradientProducts,
  Learned,
  MeasureOptions,
  ScoreOptions,
  Tokens,
  TokenTrie,
  Trainer,
  TrainerSpec,
  TrieScore,
} from "../backend/backend.ts";
import type { Intervention, Tap, TapReading } from "../backend/interventions.ts";
import { controlled } from "./control.ts";
import type { FittedSteering, GateDecision, SteerContext, Steered } from "./method.ts";
import { methodOf } from "./methods.ts";
import type { SteeredPrompt } from "./promptSuffix.ts";

/**
 * A backend with an inference-time method in force: whatever is measured of it is measured of the steered model. What the method
 * decides about a prompt is worked out once for all passes over the same prompts.
 */
export class SteeredBackend implements Backend {
  readonly fitted: FittedSteering;
  private readonly context: SteerContext;
  private readonly thinking: SteerContext["suffix"];
  private decided: { readonly places: ReadonlyMap<string, number>; readonly steered: Steered } | undefined;

  /**
   * @param context its suffix is that of prompts up to where the answer begins.
   * @param thinking the suffix of prompts behind which the model may think first.
   */
  constructor(fitted: FittedSteering, context: SteerContext, thinking = context.suffix) {
    this.fitted = fitted;
    this.context = context;
    this.thinking = thinking;
  }

  /** The model without the method. */
  get base(): Backend {
    return this.context.backend;
  }

  get device(): string {
    return this.base.device;
  }

  get about(): BackendRecord {
    return this.base.about;
  }

  get shape(): BackendShape {
    return this.base.shape;
  }

  async score(
    prompts: readonly Tokens[],
    trie: TokenTrie | readonly TokenTrie[],
    options: ScoreOptions = {},
  ): Promise<Found<TrieScore>> {
    return this.base.score(prompts, trie, await this.under(prompts, options));
  }

  async nextTokens(
    prompts: readonly Tokens[],
    options: BatchOptions<Float32Array> = {},
  ): Promise<Found<Float32Array>> {
    return this.base.nextTokens(prompts, await this.under(prompts, options));
  }

  async features(prompts: readonly Tokens[], options: FeatureOptions): Promise<Map<number, Features>> {
    return this.base.features(prompts, await this.under(prompts, options));
  }

  async losses(examples: readonly Example[], options: MeasureOptions = {}): Promise<ExampleLoss[]> {
    return this.base.losses(examples, await this.under(examples.map(promptOf), options));
  }

  async generate(prompts: readonly Tokens[], options: GenerateOptions): Promise<Found<Generation>> {
    return this.base.generate(prompts, await this.under(prompts, options));
  }

  async tap(
    examples: readonly Example[],
    taps: readonly Tap[],
    options: MeasureOptions = {},
  ): Promise<TapReading[][][]> {
    return this.base.tap(examples, taps, await this.under(examples.map(promptOf), options));
  }

  /** @throws DiscernError("request-invalid"): gradients are those of the model without a method. */
  async gradientProducts(): Promise<GradientProducts> {
    throw new DiscernError(
      "request-invalid",
      "Gradients are computed without interventions, and an inference-time method is in force. Measure the model without it.",
    );
  }

  kernel(features: Features, weights: Float32Array): Promise<Float32Array> {
    return this.base.kernel(features, weights);
  }

  createTrainer(spec: TrainerSpec): Promise<Trainer> {
    return this.base.createTrainer(spec);
  }

  adopt(learned: Learned): Promise<void> {
    return this.base.adopt(learned);
  }

  export(...model: Parameters<Backend["export"]>): Promise<void> {
    return this.base.export(...model);
  }

  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    return this.base.interruptible(check, work);
  }

  use(): Promise<DeviceUse | null> {
    return this.base.use();
  }

  dispose(): Promise<void> {
    return this.base.dispose();
  }

  /** What is in force for prompts, and what a gate decided about them. */
  async steer(prompts: readonly Tokens[]): Promise<Steered> {
    const keys = prompts.map((ids) => ids.join(" "));
    if (this.decided === undefined || keys.some((key) => !this.decided!.places.has(key))) {
      const { fitted, context } = this;
      const { interventions, gate } = await methodOf(fitted.steering).steer(
        fitted,
        context,
        prompts.map((ids) => this.place(ids)),
      );
      const steered = {
        interventions: controlled(interventions, fitted.steering.control),
        ...(gate && { gate }),
      };
      this.decided = { places: new Map(keys.map((key, i) => [key, i])), steered };
    }
    const { places, steered } = this.decided;
    const chosen = keys.map((key) => places.get(key)!);
    return {
      interventions: steered.interventions.map((one) => ofPrompts(one, chosen)),
      ...(steered.gate && { gate: chosen.map((i): GateDecision => steered.gate![i]!) }),
    };
  }

  private place(ids: Tokens): SteeredPrompt {
    const tail = this.thinking.tokens;
    const thinks = tail.length > 0 && tail.every((token, i) => ids.at(i - tail.length) === token);
    return (thinks ? this.thinking : this.context.suffix).place(ids);
  }

  private async under<T extends MeasureOptions>(prompts: readonly Tokens[], options: T): Promise<T> {
    const { interventions } = await this.steer(prompts);
    const own = options.interventions ?? [];
    const { onEffects } = options;
    return {
      ...options,
      interventions: [...interventions, ...own],
      // Whoever asked is told of what they asked for.
      ...(onEffects && {
        onEffects: (effects: Parameters<typeof onEffects>[0]) =>
          onEffects(effects.slice(interventions.length)),
      }),
    };
  }
}

function promptOf({ ids, promptLength }: Example): Tokens {
  return ids.slice(0, promptLength);
}

/** An intervention on some of the prompts that it was made for. */
function ofPrompts(intervention: Intervention, chosen: readonly number[]): Intervention {
  const { positions, scale } = intervention;
  return {
    ...intervention,
    ...(typeof positions !== "string" && { positions: { from: chosen.map((i) => positions.from[i]!) } }),
    ...(scale && { scale: Float32Array.from(chosen, (i) => scale[i]!) }),
  };
}
