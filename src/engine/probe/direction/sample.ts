import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import type { directionContract } from "../../../protocol/probe/direction.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { Example } from "../../backend/backend.ts";
import type { ProbeQuestion } from "../definition.ts";
import { drawnPrompts } from "../drawnPrompts.ts";

export type DirectionOptions = OptionsOf<typeof directionContract>;

/** One step of training: the pairs whose loss it lowers. */
export interface Step {
  /** Ids of the prompts. */
  readonly prompts: readonly string[];
  /** Names of the matched pairs that they belong to. */
  readonly pairs: readonly string[];
  readonly examples: readonly Example[];
}

/** What of a question is measured. */
export interface DirectionSample {
  /** The prompts measured, as indices into those of the question. */
  readonly prompts: readonly number[];
  /** In which list of a result the training prompts are. */
  readonly from: "training" | "prompts";
  readonly steps: readonly Step[];
  /** The first of the steps with answers of general pairs in the place of refusals. */
  readonly swapped: readonly Step[];
  /** Learning rates, or how many are chosen by what they do. */
  readonly rates: number;
}

/** A training pair, wherever it comes from. */
interface Pair {
  readonly id: string;
  readonly pair?: string | undefined;
  readonly example: Example;
}

/**
 * Draws prompts and steps, a pure function of the seed.
 *
 * @throws DiscernError `request-invalid` where there is no toxic prompt with an answer.
 */
export function directionSample(question: ProbeQuestion<DirectionOptions>): DirectionSample {
  const { prompts, training, options, seed, shape } = question;
  const given = training.filter(({ part }) => part === "safety");
  const own = prompts.flatMap(({ id, group, pair, example }): Pair[] =>
    group === "toxic" && example ? [{ id, pair, example }] : [],
  );
  const from = given.length > 0 ? "training" : "prompts";
  const pool: readonly Pair[] = given.length > 0 ? given : own;
  if (pool.length === 0) {
    throw new DiscernError(
      "request-invalid",
      "There is no toxic prompt with an answer to take a step on. Name a run with safety pairs, or a prompt file whose toxic prompts have " +
        "refusals in their column response.",
    );
  }
  const drawn = shuffled(pool, stream(seed, "direction", "training")).slice(0, options.training);
  const steps = chunks(drawn, Math.min(options.batch, drawn.length)).map(stepOf);
  const general = shuffled(
    training.filter(({ part }) => part === "general"),
    stream(seed, "direction", "answers"),
  );
  const swapped = steps.slice(0, general.length === 0 ? 0 : options.swapped).map((step, s) => ({
    ...step,
    examples: step.examples.map((example, k) =>
      withAnswerOf(example, general[(s * options.batch + k) % general.length]!.example, shape.contextLength),
    ),
  }));
  return {
    prompts: drawnPrompts(prompts, options.perGroup, seed).sort((a, b) => a - b),
    from,
    steps,
    swapped,
    rates: options.rates.length || options.sizes.length,
  };
}

function stepOf(pairs: readonly Pair[]): Step {
  return {
    prompts: pairs.map(({ id }) => id),
    pairs: pairs.flatMap(({ pair }) => pair ?? []),
    examples: pairs.map(({ example }) => example),
  };
}

/** A prompt with the answer to another one. */
function withAnswerOf(prompt: Example, answered: Example, limit: number): Example {
  const ids = [...prompt.ids.slice(0, prompt.promptLength), ...answered.ids.slice(answered.promptLength)];
  return { ids: ids.slice(0, limit), promptLength: prompt.promptLength };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const whole = Math.floor(items.length / size);
  return Array.from({ length: whole }, (_, i) => items.slice(i * size, (i + 1) * size));
}
