import type { RunEvent, RunEventOf } from "../../../protocol/events.ts";
import type { Recipe } from "../../../protocol/recipe.ts";
import type { PreferenceRecipe, StageRecipe, SupervisedRecipe } from "../../../protocol/recipeStages.ts";
import { timeline } from "../../../protocol/timeline.ts";
import type { Example } from "../../backend/backend.ts";
import type { DrawnStep, DrawnTraining, TrainingRow } from "../../probe/definition.ts";
import { preferenceDraws } from "../../train/preference.ts";
import { clipFactor } from "../../train/schedule.ts";
import { SupervisedObjective } from "../../train/supervised.ts";
import { triggerPair } from "../gatherPairs.ts";

/** What one step of a stage drew. */
type Drawn = Pick<DrawnStep, "weight" | "maskPrompt" | "pairs">;

/**
 * Which training pairs the supervised and preference steps of a run drew. Batches follow from seed and step, so they are drawn again as they
 * were; rates and what clipped the gradients are in the log.
 *
 * @param training all pairs that the run trained on, in the order of their files: those of its data, and those that it made (`madeRows`).
 * @throws DiscernError `group-too-small` where a stage's pairs are not among them.
 */
export function drawnTraining(
  { stages, seed, data }: Recipe,
  training: readonly TrainingRow[],
  events: readonly RunEvent[],
): DrawnTraining {
  const { steps } = timeline(events);
  const answered = [...stages.entries()].filter(([, { type }]) => type !== "contrastive");
  return {
    seed,
    trains: new Map(answered.map(([index, { train }]) => [index, train])),
    preferences: new Map(
      answered.flatMap(([index, stage]) => (stage.type === "preference" ? [[index, stage] as const] : [])),
    ),
    contrastive: steps.flatMap(({ stage, globalStep }) =>
      stages[stage]?.type === "contrastive" ? [globalStep - 1] : [],
    ),
    steps: answered.flatMap(([index, stage]) => {
      const own = steps.filter((step) => step.stage === index);
      if (own.length === 0) return [];
      const draws = drawsOf(stage, index, { seed, madeTriggers: data.triggers.type !== "pairs" }, training);
      return own.flatMap((step) => drawnStep(step, stage.optimiser.clip, draws));
    }),
  };
}

/** What each step of a stage draws of the training pairs, by the steps of the stage before it. */
function drawsOf(
  stage: StageRecipe,
  index: number,
  run: { readonly seed: number; readonly madeTriggers: boolean },
  training: readonly TrainingRow[],
): (step: number) => Drawn {
  if (stage.type === "preference") return preferenceDrawsOf(stage, index, run.seed, training);
  // A preferred answer is the very example of the pair that it comes from.
  const indices = new Map(
    training.flatMap(({ example, against }, i) => (against ? [] : [[example, i] as const])),
  );
  const objective = supervisedOf(stage as SupervisedRecipe, run, training);
  return (step) => {
    const passes = objective.batches(step);
    const { weight, maskPrompt } = passes[0]!;
    const pairs = passes.flatMap(({ examples }) => examples.map((example) => indices.get(example)!));
    return { weight, maskPrompt, pairs };
  };
}

/** The batches of a supervised stage, of the very examples that the pairs have. */
function supervisedOf(
  stage: SupervisedRecipe,
  { seed, madeTriggers }: { readonly seed: number; readonly madeTriggers: boolean },
  training: readonly TrainingRow[],
): SupervisedObjective {
  const of = (part: TrainingRow["part"]) => training.filter((row) => row.part === part);
  const examples = (rows: readonly TrainingRow[]) => rows.map(({ example }) => example);
  const [general, safety, helpful] = [of("general"), of("safety"), of("helpful")];
  const triggers = new Map<Example, Example>();
  if (stage.triggers) {
    const pool = madeTriggers ? of("triggers") : helpful;
    for (const row of safety) {
      const pair = madeTriggers ? triggerPair(row) : row.pair;
      const trigger = pair === undefined ? undefined : pool.find((each) => each.pair === pair);
      if (trigger) triggers.set(row.example, trigger.example);
    }
  }
  const pools = {
    general: examples(general),
    safety: examples(safety),
    helpful: stage.helpfulRatio > 0 ? examples(helpful) : [],
    triggers,
  };
  return new SupervisedObjective(pools, { ...stage, seed });
}

/** What the steps of a preference stage draw: each pair's loss counts as one over the pairs of the step. */
function preferenceDrawsOf(
  stage: PreferenceRecipe,
  index: number,
  seed: number,
  training: readonly TrainingRow[],
): (step: number) => Drawn {
  const pairs = [...training.entries()].flatMap(([place, { example, against, group }]) =>
    against?.stage === index ? [{ place, group, chosen: example, rejected: against.example }] : [],
  );
  const groups = {
    helpful: pairs.filter(({ group }) => group !== "toxic"),
    safety: pairs.filter(({ group }) => group === "toxic"),
  };
  const draws = preferenceDraws(groups, { ...stage, seed });
  return (step) => {
    const drawn = draws(step).flat();
    return { weight: 1 / drawn.length, maskPrompt: true, pairs: drawn.map(({ place }) => place) };
  };
}

/** What one step drew in all its passes, which have the same weight; none where the log has no rate of it. */
function drawnStep(
  { stage, step, globalStep, learningRate, gradientNorm }: RunEventOf<"step">,
  clip: number | null,
  draws: (step: number) => Drawn,
): DrawnStep[] {
  if (learningRate === null || gradientNorm === null) return [];
  const rate = learningRate * clipFactor(gradientNorm, clip);
  return [{ stage, globalStep: globalStep - 1, rate, ...draws(step - 1) }];
}
