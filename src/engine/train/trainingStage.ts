import { DiscernError } from "../../protocol/errors.ts";
import type { OptimiserRecipe, TrainRecipe } from "../../protocol/recipeStages.ts";
import type { Backend, Learned, Trainer } from "../backend/backend.ts";
import type { Adapter } from "../model/adapter.ts";
import type { Objective } from "./objective.ts";
import { clipFactor, learningRate } from "./schedule.ts";
import type { Stage, StageEnd, StageResult, StageState, StepReport } from "./stage.ts";
import { resultOf } from "./stageResult.ts";

export interface TrainingOptions {
  readonly steps: number;
  readonly seed: number;
  readonly train: TrainRecipe;
  readonly optimiser: OptimiserRecipe;
  /** First values of the adapter's modules, instead of random ones. */
  readonly initial?: Adapter;
  /** Told what was learned once the stage is finished. */
  readonly onLearned?: (learned: Learned) => void;
}

/**
 * Trains a model towards an objective. A step is: run every pass, look at loss and norm, and only then move the
 * parameters; a loss that is not finite therefore never reaches them.
 */
export class TrainingStage implements Stage {
  readonly totalSteps: number;
  private readonly trainer: Trainer;
  private readonly objective: Objective;
  private readonly options: TrainingOptions;
  private readonly history: Record<string, number[]> = {};
  private done = 0;

  private constructor(trainer: Trainer, objective: Objective, options: TrainingOptions) {
    this.trainer = trainer;
    this.objective = objective;
    this.options = options;
    this.totalSteps = options.steps;
  }

  /**
   * Prepares a stage on the model as it is.
   *
   * @throws DiscernError("recipe-invalid") for layers or targets the model does not have or the objective does not run.
   */
  static async create(
    backend: Backend,
    objective: Objective,
    options: TrainingOptions,
  ): Promise<TrainingStage> {
    const { train, optimiser, seed, initial } = options;
    const kinds = [...Map.groupBy(objective.batches(0), ({ kind }) => kind).values()].map(([one]) => one!);
    const trainer = await backend.createTrainer({
      train,
      optimiser,
      seed,
      kinds,
      ...(initial && { initial }),
    });
    return new TrainingStage(trainer, objective, options);
  }

  get step(): number {
    return this.done;
  }

  async next(): Promise<StepReport> {
    const weighed = await this.objective.weigh?.(this.done);
    const figures = await this.trainer.backward(weighed?.passes ?? this.objective.batches(this.done));
    const { gradientNorm, tokens } = figures;
    const loss = weighed?.loss ?? figures.loss;
    const metrics = { ...figures.metrics, ...weighed?.metrics };
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new DiscernError(
        "loss-not-finite",
        `Step ${this.done + 1} gave loss ${loss} and gradient norm ${gradientNorm}. The parameters were left as they were ` +
          `after step ${this.done}. Lower the learning rate, lengthen the warm-up, or clip gradients (optimiser.clip).`,
      );
    }
    const { optimiser } = this.options;
    const rate = learningRate(optimiser, this.done, this.totalSteps);
    await this.trainer.update(rate, clipFactor(gradientNorm, optimiser.clip));
    this.done += 1;
    for (const [name, value] of Object.entries(metrics)) {
      this.history[name] = [...(this.history[name] ?? []), value];
    }
    return { loss, gradientNorm, learningRate: rate, tokens, ...this.objective.report(metrics) };
  }

  finished(): StageEnd | null {
    return this.objective.finished(this.history) ?? (this.done >= this.totalSteps ? "steps" : null);
  }

  async state(): Promise<StageState> {
    return { step: this.done, tensors: await this.trainer.save(), history: { ...this.history } };
  }

  async restore({ step, tensors, history }: StageState): Promise<void> {
    await this.trainer.restore(tensors, step);
    this.done = step;
    for (const [name, values] of Object.entries(history)) this.history[name] = [...values];
  }

  async learned(): Promise<StageResult> {
    return resultOf(await this.trainer.learned());
  }

  async finish(): Promise<StageResult> {
    const learned = await this.trainer.finish();
    this.options.onLearned?.(learned);
    return resultOf(learned);
  }
}
