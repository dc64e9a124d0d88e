/** What a step trains at a state of a run, and the model made ready for it. */

import type { ModelState } from "../../../protocol/probe/result.ts";
import type { TrainRecipe } from "../../../protocol/recipeStages.ts";
import { greatestOf, leastOf } from "../../../statistics/extremes.ts";
import type { AnswersBatch, ParameterScope, Trainer } from "../../backend/backend.ts";
import { sharedPrefixLength } from "../../backend/sharedPrefix.ts";
import { type Adapter, type LoraModule, scaledAdapter } from "../../model/adapter.ts";
import type { StateSession } from "../definition.ts";
import type { Step } from "./sample.ts";

/** A trainer of plain SGD on a state, and the parameters that it moves. */
export interface Stepping {
  readonly trainer: Trainer;
  readonly scope: ParameterScope;
}

/**
 * Makes plain SGD ready on a state. Where the state has an adapter of its own stage, that one is trained on: it is taken out of the
 * model first, so that it acts once. `trainer.finish()` leaves the model as it was, to rounding.
 *
 * @throws DiscernError as `Backend.createTrainer`.
 */
export async function stepping(
  { backend, learned }: Pick<StateSession, "backend" | "learned">,
  { stage }: ModelState,
  train: TrainRecipe,
  step: Step,
  seed: number,
): Promise<Stepping> {
  const kinds = [stepBatch(step)];
  const optimiser = { type: "sgd" } as const;
  if (train.method === "full") {
    const trainer = await backend.createTrainer({ train, optimiser, seed, kinds });
    return { trainer, scope: weightScope(train) };
  }
  const own = stage === null ? undefined : learned.at(-1);
  if (own?.method !== "lora") {
    const trainer = await backend.createTrainer({ train: { ...train, dropout: 0 }, optimiser, seed, kinds });
    return { trainer, scope: { of: "adapter" } };
  }
  const { adapter } = own;
  await backend.adopt({ method: "lora", adapter: scaledAdapter(adapter, -1) });
  const trainer = await backend.createTrainer({
    train: trainingOf(adapter),
    optimiser,
    seed,
    kinds,
    initial: adapter,
  });
  return { trainer, scope: { of: "adapter" } };
}

/** The parameters of full training, as gradients name them. */
export function weightScope({
  layers,
  embeddings,
}: Extract<TrainRecipe, { method: "full" }>): ParameterScope {
  return {
    of: "weights",
    ...(layers && { layers: Array.from({ length: layers[1] - layers[0] }, (_, i) => layers[0] + i) }),
    parts: [
      "linears",
      "biases",
      "norms",
      ...(embeddings ? (["final-norm", "embedding", "head"] as const) : []),
    ],
  };
}

/** The recipe whose adapter has the modules of one that is there. */
function trainingOf({ modules }: Adapter): Extract<TrainRecipe, { method: "lora" }> {
  const places = [...modules.keys()].flatMap((name) => {
    const [, layer, target] = /^model\.layers\.(\d+)\.(?:.*\.)?([^.]+)$/.exec(name) ?? [];
    return layer === undefined || target === undefined ? [] : [{ layer: Number(layer), target }];
  });
  const layers = places.map(({ layer }) => layer);
  const [{ a, scale }] = [...modules.values()] as [LoraModule];
  const rank = a.shape[0]!;
  return {
    method: "lora",
    rank,
    alpha: scale * rank,
    dropout: 0,
    targets: [...new Set(places.map(({ target }) => target))],
    layers: [leastOf(layers), greatestOf(layers) + 1],
  };
}

/** A step's pass: the mean loss over the tokens of its answers. */
export function stepBatch({ examples }: Step): AnswersBatch {
  const tokens = examples.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
  const shared = sharedPrefixLength(examples.map(({ ids, promptLength }) => ids.slice(0, promptLength)));
  return { kind: "answers", examples, maskPrompt: true, weight: 1 / tokens, shared };
}
