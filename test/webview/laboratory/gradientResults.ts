import { boundContract } from "../../../src/protocol/probe/bound.ts";
import { directionContract, directionGroups } from "../../../src/protocol/probe/direction.ts";
import { influenceContract } from "../../../src/protocol/probe/influence.ts";
import { kernelContract, kernelPairs } from "../../../src/protocol/probe/kernel.ts";
import type { ProbePrompt, ProbeResult, ProbeTable } from "../../../src/protocol/probe/result.ts";
import { examplePrompts, exampleResult, exampleStates, wave } from "./results.ts";

/** Results of probes that stand on gradients, with numbers that follow from a formula. */

const table = (rows: ProbeTable["rows"]): ProbeTable => ({
  ...{ id: "values", title: "Values" },
  columns: [
    { id: "state", title: "State", unit: null, description: "State of the model" },
    { id: "value", title: "Value", unit: "nats", description: "Some value" },
  ],
  rows,
});

const sorted = (prompts: readonly ProbePrompt[]): number[] =>
  ["toxic", "seemingly_toxic", "general"].flatMap((group) =>
    prompts.flatMap((prompt, i) => (prompt.group === group ? [i] : [])),
  );

export function exampleKernel(count = 24, states = 3): ProbeResult {
  const prompts = examplePrompts(count);
  const names = exampleStates(states);
  const measured = sorted(prompts);
  const kernelOf = (s: number) => {
    const symmetric = measured.map((a) =>
      measured.map((b) => {
        if (a === b) return 1;
        const same = prompts[a]!.group === prompts[b]!.group ? 0.3 : a % 3 < 2 && b % 3 < 2 ? 0.2 : 0.05;
        return Math.max(0, same * (1 - 0.2 * s) + 0.05 * wave(Math.min(a, b), Math.max(a, b), s));
      }),
    );
    const size = (i: number) => 40 * (1 + (measured[i]! % 4));
    const norm = symmetric.map((line, i) => line.map((value, j) => value * Math.sqrt(size(i) * size(j))));
    const tested = (value: number) => ({
      value,
      chance: { mean: 0.001, lower: -0.02, upper: 0.02, p: 0.002 },
    });
    return {
      ...{ norm, symmetric, ratio: norm.map((line, i) => line.map((value) => value / size(i))) },
      blocks: kernelPairs.map((between, k) => ({
        ...{ between, pairs: 28 + k },
        norm: { value: 20 + k, lower: 18 + k, upper: 22 + k },
        ratio: { value: 0.3 - 0.03 * k, lower: 0.25 - 0.03 * k, upper: 0.35 - 0.03 * k },
        symmetric: { value: 0.31 - 0.04 * k - 0.02 * s, lower: 0.28 - 0.04 * k, upper: 0.36 - 0.04 * k },
      })),
      ...{ contrast: tested(0.11 - 0.02 * s), spill: tested(0.15), matched: s === 1 ? null : tested(0.22) },
    };
  };
  return exampleResult(kernelContract, {
    ...{ prompts, states: names, options: kernelContract.options.parse({}) },
    figures: {
      ...{ measured, parameters: { of: "the weights of all blocks", count: 106_168_320 } },
      ...{ logits: "each prompt's 10 most probable tokens, exactly", relativeError: null, shared: 0.42 },
      tokens: { total: 512, shortest: 18, longest: 27 },
      states: names.map(({ name }, s) => ({
        ...{ state: name, kernel: kernelOf(s), withoutHead: s === 0 ? kernelOf(s + 1) : null },
        layers: [null, ...Array.from({ length: 12 }, (_, l) => l)].map((layer) => ({
          layer,
          share: layer === null ? 0.02 : 0.03 + 0.01 * layer - 0.004 * s * layer,
        })),
        parts: ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"].map((part, k) => ({
          part,
          share: 0.2 + 0.1 * k,
        })),
      })),
    },
    tables: [table([["untrained", 0.31]])],
    caveats: ["The kernel is that of 24 of 90 prompts, drawn by the seed."],
  });
}

export function exampleBound(count = 18, states = 2): ProbeResult {
  const prompts = examplePrompts(count);
  const names = exampleStates(states);
  const fitted = [0, 1, 2, 3, 4, 5];
  const others = sorted(prompts).filter((i) => !fitted.includes(i));
  const pairs = (s: number) =>
    others.flatMap((first, k) =>
      others.slice(k + 1).map((second) => {
        const matched = prompts[first]!.pair !== undefined && prompts[first]!.pair === prompts[second]!.pair;
        const left = 10 * Math.exp(1.5 * wave(first, second, s));
        const right = left * (1.2 + Math.abs(wave(second, first)));
        return {
          first,
          second,
          matched,
          left,
          features: 0.6 * right,
          cross: 0.2 * right,
          right,
          ratio: left / right,
        };
      }),
    );
  const sides = (layer: number, s: number) =>
    kernelPairs.map((between, k) => ({
      ...{
        between,
        pairs: 6,
        left: 12 + k,
        features: 9 + s,
        cross: 4,
        tail: 1.5,
        delta: 3,
        right: 17.5 + s + k,
      },
      ratio: { mean: 0.4 + 0.03 * layer - 0.02 * k, lowest: 0.2, highest: 0.9 },
      ...{ without: 0.12, trunk: 8, frozen: 12, tailKernel: 5 },
    }));
  const shuffled = { mean: 0.001, lower: -0.1, upper: 0.1, p: 0.03 };
  return exampleResult(boundContract, {
    ...{ prompts, states: names, options: boundContract.options.parse({ layer: 4 }) },
    figures: {
      ...{ layer: 4, top: 10, parameters: "blocks", measured: sorted(prompts), fitted },
      states: names.map(({ name }, s) => ({
        state: name,
        layers: [1, 2, 3, 4, 5, 6].map((layer) => ({
          ...{ layer, c: 0.9, tau: 1.2, delta: 3 },
          fit: {
            ...{ prompts: 6, rank: 3, ridge: 0.1, r2: 0.2 + 0.08 * layer, correlation: 0.7, inner: 0.1 },
            permuted: { mean: -0.2, highest: 0.05 },
          },
          carried: s === 0 ? null : { r2: 0.31, correlation: 0.6 },
          ...{ between: sides(layer, s), tailShare: 0.9 - 0.1 * layer, tailChange: 1 + 0.2 * s },
        })),
        pairs: pairs(s),
        gaps: {
          left: { value: 0.4, shuffled },
          features: { value: 0.3, shuffled },
          right: { value: 0.2, shuffled },
        },
      })),
    },
    tables: [table([["untrained", 12]])],
  });
}

const estimate = (value: number, half = 0.1) => ({ value, lower: value - half, upper: value + half });

const training = Array.from({ length: 8 }, (_, i) => ({
  ...{ id: `t${i}`, prompt: `Tell me how to do thing ${i}.`, file: "safety.jsonl", line: i + 1 },
  ...({ group: i % 2 === 0 ? "toxic" : "general", part: i % 2 === 0 ? "safety" : "general" } as const),
  response: i % 2 === 0 ? "I cannot help with that." : "Here is how.",
}));

export function exampleDirection(count = 18, states = 2): ProbeResult {
  const prompts = examplePrompts(count);
  const names = exampleStates(states);
  const predicted = (s: number) =>
    training.map((_, t) =>
      prompts.map(
        (__, i) => 100 * ((2 - (i % 3)) * (1 - 0.2 * s) * (t % 2 === 0 ? 1 : -0.4) + 0.3 * wave(t, i, s)),
      ),
    );
  const agreement = (rate: number) =>
    directionGroups.map((group, k) => ({
      ...{ group, pairs: 144 - 20 * k, slope: estimate(0.95 - 20 * rate), r2: estimate(0.9 - 0.05 * k) },
      asPredicted: 0.88 - 0.05 * k,
    }));
  const spill = { predicted: estimate(0.62), measured: estimate(0.58) };
  const both = { seeminglyToxic: spill, general: { predicted: estimate(0.1), measured: null } };
  const chance = { mean: 0.02, upper: 0.09 };
  return exampleResult(directionContract, {
    ...{ prompts, training, states: names, options: { perGroup: 20, rates: [] } },
    figures: {
      prompts: prompts.map((_, i) => i),
      steps: training.map(({ id }) => ({ prompts: [id], from: "training" })),
      states: names.map(({ name }, s) => ({
        ...{ state: name, logOdds: prompts.map(() => -1), predicted: predicted(s) },
        rates: [0.01, 0.001].map((rate) => ({
          rate,
          measured: predicted(s).map((line, t) =>
            line.map((value, i) => rate * value * (1 - 10 * rate) + 0.02 * wave(i, t)),
          ),
          ...{ agreement: agreement(rate), spillOver: both, probabilitySpillOver: both },
        })),
        firstOrder: 0.001,
        controls: {
          ...{ permutedTraining: chance, permutedPrompts: chance },
          randomDirections: { steps: 4, change: 0.0012, ofGradients: 0.21 },
          answersSwapped: {
            ...{ steps: 4, agreement: agreement(0)[0]! },
            means: [{ group: "toxic", predicted: -0.1, measured: -0.08, refusals: 0.2 }],
          },
        },
      })),
      strides: names.slice(1).map(({ name }, k) => ({
        ...{ from: names[k]!.name, to: name, steps: 20, agreement: agreement(0), control: chance },
        predicted: prompts.map((_, i) => 2 - (i % 3)),
        measured: prompts.map((_, i) => 1.7 - 0.8 * (i % 3) + 0.3 * wave(i)),
      })),
      strideSpillOver: both,
    },
    tables: [table([["untrained", 0.2]])],
  });
}

export function exampleInfluence(): ProbeResult {
  const prompts = examplePrompts(6);
  const contribution = (t: number, sign: number) => ({
    ...{ training: t, contribution: sign * (0.4 - 0.04 * t), share: 0.2 - 0.02 * t, drawn: 3 + t },
  });
  const target = (prompt: number, role: "target" | "control") => ({
    ...{
      prompt,
      role,
      logOdds: [-3, 0.5],
      probability: [0.04, 0.62],
      predicted: 3.1,
      measured: 3.5,
      effective: 5.2,
    },
    byPart: [{ part: "safety" as const, contribution: 3.3, drawn: 24 }],
    towards: [0, 2, 4].map((t) => contribution(t, 1)),
    away: [1, 3].map((t) => contribution(t, -0.5)),
    byInterval: [1.2, 1.9],
  });
  return exampleResult(influenceContract, {
    ...{ prompts, training, states: exampleStates(3), options: influenceContract.options.parse({}) },
    figures: {
      intervals: [
        { from: "untrained", to: "stage-0", steps: 20, pairs: 8, rate: 0.02 },
        { from: "stage-0", to: "stage-1-step-40", steps: 20, pairs: 8, rate: 0.02 },
      ],
      targets: [target(1, "target"), target(4, "target"), target(2, "control")],
      controls: {
        ...{ rankCorrelation: 0.81, overlap: 0.6 },
        shuffled: { pairs: 32, own: 0.2, exchanged: 0.15, correlation: 0.4 },
      },
    },
    tables: [table([["untrained", 0.2]])],
    caveats: ["Contributions are first-order and take the optimiser for plain gradient descent."],
  });
}
