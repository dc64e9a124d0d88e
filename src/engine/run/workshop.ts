import { snapshotOf } from "../../modelsHome/hubCache.ts";
import type { Computed, NewRunEvent, RunEventOf } from "../../protocol/events.ts";
import type { LayerChoice } from "../../protocol/layerChoice.ts";
import type { Made } from "../../protocol/made.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { openingTexts } from "../../protocol/openings.ts";
import type { ModelState } from "../../protocol/probe/result.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { ContrastiveRecipe, StageRecipe, SupervisedRecipe } from "../../protocol/recipeStages.ts";
import { timeline } from "../../protocol/timeline.ts";
import { stageProblems, triggered } from "../../recipe/checkPrompts.ts";
import { shapeProblems } from "../../recipe/modelFit.ts";
import { problemText, refuseErrors } from "../../recipe/problem.ts";
import { flopsPerToken, forwardFlops } from "../../recipe/stageCost.ts";
import { preferenceEpochs, stageSteps } from "../../recipe/stageSteps.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { makePart, runPaths } from "../../runFolder/folder.ts";
import type { Backend, Learned } from "../backend/backend.ts";
import { checkSuites } from "../evaluate/answers.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import { type Adapter, concatAdapters, writeAdapter } from "../model/adapter.ts";
import { answerLoss } from "../probe/answerLoss.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { chooseContrastLayer } from "../probe/separability/layerChoice.ts";
import { modelSize } from "../session/session.ts";
import { type CountedBackend, countedPasses } from "../steer/countedPasses.ts";
import { ContrastBatches } from "../train/contrastBatches.ts";
import { ContrastiveObjective } from "../train/contrastive.ts";
import type { Objective } from "../train/objective.ts";
import { PreferenceObjective } from "../train/preference.ts";
import type { StageResult } from "../train/stage.ts";
import { alphaOf, learnedOf } from "../train/stageResult.ts";
import { SupervisedObjective } from "../train/supervised.ts";
import { TrainingStage } from "../train/trainingStage.ts";
import { WithContrast } from "../train/withContrast.ts";
import { type EvaluationContext, evaluateBeforeTraining, evaluateRun, suitesOf } from "./evaluation.ts";
import { type GatheredPairs, gatherPairs } from "./gatherPairs.ts";
import { RunLaboratory } from "./laboratory/duringRun.ts";
import { probePromptsOf } from "./laboratory/rows.ts";
import { checkMaking, type MakingContext } from "./making.ts";
import type { OpenStage, ProbeFigures } from "./openStage.ts";
import { probePanels } from "./panelProbe.ts";
import { watchPeak } from "./peakMemory.ts";
import type { Workshop } from "./pipelineInput.ts";
import { preferencePairs } from "./preferencePairs.ts";
import type { RunPrompts } from "./prompts.ts";
import { type RunTokens, runTokens } from "./runTokens.ts";
import type { StartedSession } from "./start.ts";
import { steerRun } from "./steering.ts";
import { type StopToken, throwIfStopped, withStopSignal } from "./stop.ts";
import { DevicePeaks, peaksNow } from "./telemetry.ts";

/** What the workshop of a run is made from. */
interface RunContext {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly manifest: Manifest;
  readonly session: StartedSession;
  readonly prompts: RunPrompts;
}

/** An objective, how many steps it is trained for, and the layer of its contrast. */
interface OpenObjective {
  readonly objective: Objective;
  readonly steps: number;
  readonly layer?: number;
  readonly choice?: LayerChoice & Computed;
}

/** How many pairs of each group are left of the prompts. Answers that the model is yet to give are counted by their prompts. */
function countsOf({ contrast, general, safety, helpful, records }: RunTokens, prompts: RunPrompts) {
  const given = helpful.length > 0 ? helpful.map((example) => records.get(example)!) : prompts.helpful;
  const kept = safety.map((example) => records.get(example)!);
  return {
    contrast,
    general: general.length,
    safety: safety.length,
    helpful: given.length,
    triggered: triggered(kept, given),
  };
}

/** The base model as an adapter of it names it: by its name on the hub and its commit where it is of the hub's cache, so that others find it. */
function baseOf(path: string): { baseModel: string; revision?: string } {
  const hub = snapshotOf(path);
  return hub === null ? { baseModel: path } : { baseModel: hub.id, revision: hub.commit };
}

/** The workshop of a real model: what a recipe's stages, probes and evaluation do to it. */
export class ModelWorkshop implements Workshop {
  readonly started: Workshop["started"];
  readonly stageCount: number;
  readonly monitorsUntrained: boolean;
  readonly warnings: readonly string[];
  private readonly context: RunContext;
  private readonly backend: Backend;
  private readonly tokens: RunTokens;
  private readonly scorer: RefusalScorer;
  /** The model as probes and the choice of a layer ask it. */
  private readonly measured: CountedBackend;
  /** Stages that the log knows, where a run that is resumed finds the layers that were chosen. */
  private readonly begun: readonly RunEventOf<"stage-started">[];
  /** What the stages learned so far: adapters, or, once the weights themselves were trained, the whole model. */
  private readonly adapters: Adapter[] = [];
  /** What the log knows to be made. */
  private readonly made: readonly Made[];
  private gathered: GatheredPairs = { helpful: [], triggers: new Map() };
  /** What the model is made of, in order. */
  private readonly learned: Learned[] = [];
  private readonly probing: RunLaboratory;
  /** The stage under way. */
  private training: { readonly stage: TrainingStage; readonly alpha: number } | null = null;
  private whole = false;
  private contrastLayer: number | undefined;

  private constructor(
    context: RunContext,
    tokens: RunTokens,
    scorer: RefusalScorer,
    measured: CountedBackend,
  ) {
    const { folder, recipe, manifest, session, prompts } = context;
    const { loaded, backend, template } = session;
    this.context = context;
    this.backend = backend;
    this.tokens = tokens;
    this.probing = new RunLaboratory({ ...context, prompts: probePromptsOf(recipe, prompts) });
    this.scorer = scorer;
    this.measured = measured;
    const { stages, made } = timeline(readEvents(runPaths(folder).events));
    this.begun = stages;
    this.made = made;
    for (const learned of session.learned) this.keep(learned);
    this.contrastLayer = this.begun.findLast(({ layer }) => layer)?.layer;
    const steps = recipe.stages.map((stage) => stageSteps(stage, tokens.general.length));
    this.started = {
      name: recipe.name,
      model: manifest.model.name,
      device: backend.device,
      backend: backend.about,
      ...(manifest.memoryPlan ? { memoryPlan: manifest.memoryPlan } : {}),
      ...(manifest.deviceChoice ? { deviceChoice: manifest.deviceChoice } : {}),
      seed: recipe.seed,
      hashes: Object.fromEntries([...manifest.model.files, ...manifest.data].map((f) => [f.file, f.sha256])),
      stages: recipe.stages.map(({ type }, i) => ({ type, steps: steps[i]! })),
      totalSteps: steps.reduce<number | null>(
        (sum, each) => (sum === null || each === null ? null : sum + each),
        0,
      ),
    };
    this.stageCount = recipe.stages.length;
    // Who asks for the scores of a file waits for nothing else.
    this.monitorsUntrained = recipe.evaluate.scoreOnly !== true;
    this.warnings = [
      ...loaded.warnings,
      ...session.startWarnings,
      ...shapeProblems(recipe, loaded.shape).map(problemText),
      ...prompts.warnings,
      ...tokens.warnings,
      ...template.warnings,
    ];
  }

  /**
   * Encodes the prompts and checks what is left of them.
   *
   * @throws DiscernError `prompt-too-long`, `dataset-empty`, `group-too-small`, `recipe-invalid`.
   */
  static async create(context: RunContext): Promise<ModelWorkshop> {
    const { recipe, manifest, session, prompts } = context;
    const { backend, encoder } = session;
    const measured = countedPasses(backend);
    const openings = openingTexts(recipe.probes.openings);
    const scorer = await RefusalScorer.create(measured.backend, encoder, openings);
    const tokens = await runTokens(session, recipe, prompts, scorer.depth);
    // Once more, with what is left of the prompts: what would otherwise end a stage hours later is found now.
    refuseErrors(stageProblems(recipe, countsOf(tokens, prompts)));
    await judgesOf(recipe.evaluate.judges, { root: manifest.recipe.root, threads: recipe.threads });
    await checkMaking(recipe, manifest.recipe.root);
    await checkSuites(backend, encoder, suitesOf(prompts), scorer);
    return new ModelWorkshop(context, tokens, scorer, measured);
  }

  async prepare(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void> {
    await this.cutOffBy(stop, () => evaluateBeforeTraining({ ...this.context, emit, stop, steered: null }));
  }

  async gather(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void> {
    this.gathered = await this.making(emit, stop, gatherPairs);
  }

  open(index: number, emit: (event: NewRunEvent) => void, stop: StopToken): Promise<OpenStage> {
    return this.cutOffBy(stop, async () => {
      const { recipe } = this.context;
      const stage = recipe.stages[index]!;
      const { objective, steps, layer, choice } = await this.objectiveOf(stage, index, emit, stop);
      if (layer !== undefined) this.contrastLayer = layer;
      const { train, optimiser } = stage;
      const training = await TrainingStage.create(this.backend, objective, {
        steps,
        seed: recipe.seed,
        train,
        optimiser,
        onLearned: (learned) => this.keep(learned),
      });
      this.training = { stage: training, alpha: alphaOf(stage) };
      return {
        kind: stage.type,
        stage: training,
        ...(layer === undefined ? {} : { layer }),
        flopsPerToken: flopsPerToken(
          stage.type === "contrastive" && layer !== undefined ? { ...stage, layer } : stage,
          modelSize(this.context.session),
        ),
        ...(choice && { choice }),
      };
    });
  }

  async apply(index: number, result: StageResult): Promise<void> {
    const learned = learnedOf(result, alphaOf(this.context.recipe.stages[index]!));
    this.keep(learned);
    await this.backend.adopt(learned);
  }

  probe(stop: StopToken): Promise<ProbeFigures> {
    const { separationLayers } = this.context.recipe.probes;
    const layers = separationLayers ?? (this.contrastLayer === undefined ? [] : [this.contrastLayer]);
    const { backend, tokens } = this.measured;
    return this.cutOffBy(stop, async () => {
      const before = tokens();
      const figures = await probePanels(backend, this.scorer, this.tokens.panels, layers);
      return { ...figures, flops: (tokens() - before) * forwardFlops(modelSize(this.context.session)) };
    });
  }

  laboratory(state: ModelState, emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void> {
    const { contrastLayer = null } = this;
    const learned = () => this.learnedSoFar();
    return this.cutOffBy(stop, () => this.probing.measure({ state, learned, contrastLayer }, emit, stop));
  }

  use(): ReturnType<Backend["use"]> {
    return this.backend.use();
  }

  async conclude(emit: (event: NewRunEvent) => void, stop: StopToken): Promise<string | null> {
    const { folder, manifest, session } = this.context;
    const { model } = runPaths(folder);
    // What another run learned lies there already.
    if (this.stageCount > 0) {
      await makePart(folder, model);
      if (this.whole) await this.backend.export(model, session.loaded);
      else if (this.adapters.length > 0)
        await writeAdapter(model, concatAdapters(this.adapters), baseOf(session.loaded.path));
    }
    return this.cutOffBy(stop, async () => {
      const steered = await this.steer(emit);
      return evaluateRun(manifest, { ...this.context, emit, stop, steered });
    });
  }

  /** Puts the recipe's inference-time method in force on the finished model; null where it has none. */
  private async steer(emit: (event: NewRunEvent) => void): Promise<EvaluationContext["steered"]> {
    const { folder, session, prompts, recipe, manifest } = this.context;
    const { steering, seed, probes } = recipe;
    if (steering === undefined) return null;
    const method = steering.type;
    const peakBytes = watchPeak();
    const devices = new DevicePeaks();
    let flops: number | null = null;
    const steered = await steerRun(session, folder, manifest.recipe.root, {
      ...{ steering, seed, openings: openingTexts(probes.openings), prompts: prompts.steering },
      onProgress: (done, total) => emit({ type: "steering-progress", method, done, total }),
      onFitted: (found) => {
        flops = found;
      },
    });
    const fitted = flops === null ? {} : { flops, ...(await peaksNow(session.backend, peakBytes, devices)) };
    emit({ type: "steering-fitted", method, chosen: steered.record.chosen, ...fitted });
    for (const message of steered.notes) emit({ type: "warning", message });
    const { answers } = this.tokens.panels;
    return {
      ...steered,
      heldOutLoss: answers.length > 0 ? await answerLoss(steered.backend, answers) : null,
    };
  }

  /** What the model is made of, with what the stage under way has learned. */
  private async learnedSoFar(): Promise<Learned[]> {
    if (this.training === null) return this.learned;
    const { stage, alpha } = this.training;
    return [...this.learned, learnedOf(await stage.learned(), alpha)];
  }

  private keep(learned: Learned): void {
    this.training = null;
    this.learned.push(learned);
    if (learned.method === "full") this.whole = true;
    else this.adapters.push(learned.adapter);
  }

  private async objectiveOf(
    stage: StageRecipe,
    index: number,
    emit: (event: NewRunEvent) => void,
    stop: StopToken,
  ): Promise<OpenObjective> {
    const { seed } = this.context.recipe;
    const { general, contrast } = this.tokens;
    const steps = stageSteps(stage, general.length) ?? 0;
    switch (stage.type) {
      case "contrastive": {
        const { layer, choice } = await this.layerOf(stage, index);
        const rows = general.map((example) => example.ids);
        const options = { ...stage, layer, seed };
        const objective = await ContrastiveObjective.create(this.backend, contrast, rows, options);
        return { objective, steps, layer, ...(choice && { choice }) };
      }
      case "supervised":
        return { steps, ...(await this.supervised(stage, index)) };
      case "preference": {
        const { helpful } = this.gathered;
        const pairs = await this.making(emit, stop, (making) =>
          preferencePairs(making, index, stage, helpful),
        );
        const objective = new PreferenceObjective(this.backend, pairs, { ...stage, seed });
        return {
          objective,
          steps: stage.steps ?? preferenceEpochs(stage, pairs.helpful.length || pairs.safety.length),
        };
      }
    }
  }

  private async supervised(stage: SupervisedRecipe, index: number): Promise<Omit<OpenObjective, "steps">> {
    const { seed } = this.context.recipe;
    const { general, safety, contrast } = this.tokens;
    const { helpful, triggers } = this.gathered;
    const pairs = {
      general,
      safety,
      helpful: stage.helpfulRatio > 0 ? helpful.map(({ example }) => example) : [],
      triggers: stage.triggers ? triggers : new Map(),
    };
    const answers = new SupervisedObjective(pairs, { ...stage, seed });
    if (stage.contrast === undefined) return { objective: answers };
    const { weight, ...term } = stage.contrast;
    const { layer, choice } = await this.layerOf(term, index, this.contrastLayer);
    const batches = await ContrastBatches.create(this.backend, contrast, { ...term, layer, seed });
    return { objective: new WithContrast(answers, batches, weight), layer, ...(choice && { choice }) };
  }

  /** @param before the layer of a contrast before it, where "auto" takes that. */
  private async layerOf(
    { layer }: Pick<ContrastiveRecipe, "layer">,
    index: number,
    before?: number,
  ): Promise<{ layer: number; choice?: LayerChoice & Computed }> {
    if (layer !== "auto") return { layer };
    const known = this.begun.find(({ stage }) => stage === index)?.layer ?? before;
    if (known !== undefined) return { layer: known };
    const { session, recipe } = this.context;
    const { backend, tokens } = this.measured;
    const [already, peakBytes, devices] = [tokens(), watchPeak(), new DevicePeaks()];
    const choice = await chooseContrastLayer(backend, this.tokens.contrast, recipe.seed);
    const flops = (tokens() - already) * forwardFlops(modelSize(session));
    return {
      layer: choice.layer,
      choice: { ...choice, flops, ...(await peaksNow(this.backend, peakBytes, devices)) },
    };
  }

  /** Makes what stages learn from; a stop cuts it off within one batch. @throws Stopped */
  private making<T>(
    emit: (event: NewRunEvent) => void,
    stop: StopToken,
    make: (context: MakingContext) => Promise<T>,
  ): Promise<T> {
    const { context, tokens, made: known } = this;
    return this.cutOffBy(stop, () =>
      withStopSignal(stop, (signal) => make({ ...context, tokens, known, emit, signal })),
    );
  }

  /** Does what a stop cuts off within one batch. @throws Stopped */
  private cutOffBy<T>(stop: StopToken, work: () => Promise<T>): Promise<T> {
    return this.backend.interruptible(() => throwIfStopped(stop), work);
  }
}
