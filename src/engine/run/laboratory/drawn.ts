import { DiscernError } from "../../../protocol/errors.ts";
import type { RunEvent, RunEventOf } from "../../../protocol/events.ts";
import type { Recipe } from "../../../protocol/recipe.ts";
import type { SupervisedRecipe } from "../../../protocol/recipeStages.ts";
import { timeline } from "../../../protocol/timeline.ts";
import type { Example } from "../../backend/backend.ts";
import type { DrawnStep, DrawnTraining, TrainingRow } from "../../probe/definition.ts";
import { clipFactor } from "../../train/schedule.ts";
import { SupervisedObjective } from "../../train/supervised.ts";

/**
 * Which training pairs the supervised steps of a run drew. Batches follow from seed and step, so they are drawn again as they were; rates and
 * what clipped the gradients are in the log.
 *
 * @param training all pairs of data.general, data.safety and data.helpful that the run trained on, in the order of their files.
 * @throws DiscernError `request-invalid` where pairs were made during the run, which are none of these.
 */
export function drawnTraining(
  { stages, seed, data }: Recipe,
  training: readonly TrainingRow[],
  events: readonly RunEvent[],
): DrawnTraining {
  const { steps } = timeline(events);
  const indices = new Map(training.map(({ example }, i) => [example, i] as const));
  const supervised = [...stages.entries()].flatMap(([index, stage]) =>
    stage.type === "supervised" ? [{ index, stage }] : [],
  );
  return {
    seed,
    trains: new Map(supervised.map(({ index, stage }) => [index, stage.train])),
    steps: supervised.flatMap(({ index, stage }) => {
      const own = steps.filter((step) => step.stage === index);
      if (own.length === 0) return [];
      const made = stage.triggers && data.triggers.type !== "pairs";
      const given = training.some(({ part }) => part === "helpful");
      if (made || ((stage.triggers || stage.helpfulRatio > 0) && !given)) {
        throw new DiscernError(
          "request-invalid",
          `Stage ${index} trained on answers or triggers that were made during the run, and their influence cannot be measured. Give them in ` +
            "data.helpful (helpfulAnswers: given) in another run.",
        );
      }
      const objective = objectiveOf(stage, seed, training);
      return own.flatMap((step) => drawnStep(step, stage.optimiser.clip, objective, indices));
    }),
  };
}

/** The stage's batches, of the very examples that the pairs have. */
function objectiveOf(stage: SupervisedRecipe, seed: number, training: readonly TrainingRow[]) {
  const of = (part: TrainingRow["part"]) => training.filter((row) => row.part === part);
  const examples = (rows: readonly TrainingRow[]) => rows.map(({ example }) => example);
  const [general, safety, helpful] = [of("general"), of("safety"), of("helpful")];
  const triggers = new Map<Example, Example>();
  if (stage.triggers) {
    for (const { example, pair } of safety) {
      const trigger = pair === undefined ? undefined : helpful.find((row) => row.pair === pair);
      if (trigger) triggers.set(example, trigger.example);
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

/** What one step drew in all its passes, which have the same weight; none where the log has no rate of it. */
function drawnStep(
  { stage, step, globalStep, learningRate, gradientNorm }: RunEventOf<"step">,
  clip: number | null,
  objective: SupervisedObjective,
  indices: ReadonlyMap<Example, number>,
): DrawnStep[] {
  if (learningRate === null || gradientNorm === null) return [];
  const passes = objective.batches(step - 1);
  const { weight, maskPrompt } = passes[0]!;
  return [
    {
      stage,
      globalStep: globalStep - 1,
      rate: learningRate * clipFactor(gradientNorm, clip),
      weight,
      maskPrompt,
      pairs: passes.flatMap(({ examples }) => examples.map((example) => indices.get(example)!)),
    },
  ];
}
