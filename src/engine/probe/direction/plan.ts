import type { ProbePlanInput } from "../../../protocol/probe/result.ts";
import { gradientCost } from "../../backend/gradientPlan.ts";
import type { ProbeQuestion } from "../definition.ts";
import { refusalRow } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import type { DirectionOptions, DirectionSample, Step } from "./sample.ts";
import { answerRows } from "./steps.ts";
import { weightScope } from "./trained.ts";

/** What the directional kernel of a sample costs. */
export function directionPlan(
  question: ProbeQuestion<DirectionOptions>,
  { prompts, steps, swapped, rates }: DirectionSample,
): ProbePlanInput {
  const { options, states, openings, shape } = question;
  const trie = tokenTrie(openings);
  const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
  const lengths = (of: readonly Step[]) =>
    of.flatMap(({ examples }) => examples.map(({ ids }) => ids.length));
  const scored = prompts.map((i) => question.prompts[i]!.ids.length + trie.nodes.length);
  const weights = new Float32Array(trie.edges.length);
  const asked = prompts.map((i) => refusalRow(question.prompts[i]!.ids, trie, weights));
  const scope = options.train.method === "full" ? weightScope(options.train) : ({ of: "adapter" } as const);
  const products = gradientCost(shape, asked, answerRows([...steps, ...swapped]), scope);
  const taken = [...Array.from({ length: rates }, () => lengths(steps)).flat(), ...lengths(swapped)];
  const moves = steps.length * rates + swapped.length + options.randomDirections;
  // Before the products, before the first step, and behind every move.
  const scorings = states.length * (2 + moves) + 2 * (states.length - 1);
  return {
    forwardPasses: scorings * scored.length + states.length * (products.forwardPasses + taken.length),
    backwardPasses: states.length * (products.backwardPasses + taken.length),
    forwardTokens: scorings * sum(scored) + states.length * (products.forwardTokens + sum(taken)),
    backwardTokens: states.length * (products.backwardTokens + sum(taken)),
    otherFlops: states.length * products.productFlops,
    // The point, its gradient, a copy that is moved, and what the trainer holds.
    bytes: Math.max(products.bytes, 4 * 4 * trainedNumbers(question)),
  };
}

/** Numbers that a step moves. */
function trainedNumbers({ shape, parameters, options: { train } }: ProbeQuestion<DirectionOptions>): number {
  const [from, to] = train.layers ?? [0, shape.layers];
  const whole = train.method === "full" || train.targets === "all-linear" ? null : train.targets;
  const linears = shape.linears.filter(({ name }) => !whole || whole.includes(name.split(".").at(-1)!));
  const perLayer = linears.reduce(
    (total, { inFeatures, outFeatures }) =>
      total + (train.method === "lora" ? train.rank * (inFeatures + outFeatures) : inFeatures * outFeatures),
    0,
  );
  return train.method === "full" && train.embeddings && !train.layers ? parameters : (to - from) * perLayer;
}
