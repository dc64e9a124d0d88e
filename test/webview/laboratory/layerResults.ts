import type { ProbeResult } from "../../../src/protocol/probe/result.ts";
import { layerMeasures, separabilityContract } from "../../../src/protocol/probe/separability.ts";
import { tokensContract } from "../../../src/protocol/probe/tokens.ts";
import { examplePrompts, exampleResult, exampleStates } from "./results.ts";

/** Four layers; the second state is 0.1 higher. */
export function exampleSeparability(): ProbeResult {
  const measures = (value: number, withSources: boolean) =>
    Object.fromEntries(
      layerMeasures.map(({ id, unit }) => [
        id,
        id === "sourceOut"
          ? null
          : {
              ...{ value, standardError: 0.02, lower: value - 0.05, upper: value + 0.05 },
              shuffled: { mean: 0.48, highest: 0.57 },
              source: unit !== "AUROC" && withSources ? 0.11 : null,
            },
      ]),
    );
  const figures = {
    ...{ pooling: "last", strengths: [0.1, 1, 10], draws: 20 },
    proposal: { layer: 3, plateau: [2, 3], highest: 3, nested: 2, reason: "ℓ = 3 of 4: because it is." },
    transfer: { prompts: 12, leftOut: 1, categories: 2, sources: ["xstest"], unseenSource: true },
    states: exampleStates(2).map(({ name: state }, s) => ({
      state,
      choice: {
        ...{ layer: 3, heldOut: "category", groups: 5, folds: 5 },
        curve: [1, 2, 3, 4].map((layer) => ({
          ...{ layer, auroc: 0.6, standardError: 0.02, pairAccuracy: 0.7 },
          shuffled: { mean: 0.5, highest: 0.6 },
        })),
        controls: {
          ...{ draws: 20, shuffledBest: 0.6, surface: { auroc: 0.63, standardError: 0.03 } },
          source: { auroc: 0.55, standardError: 0 },
        },
      },
      curve: [1, 2, 3, 4].map((layer) => ({ layer, measures: measures(0.4 + 0.1 * layer + 0.1 * s, true) })),
      surface: measures(0.31, false),
      categories: [{ category: "homonyms", prompts: 48, aurocs: [0.5, 0.6, 0.91, null] }],
    })),
  };
  return exampleResult(separabilityContract, { states: exampleStates(2), figures, tables: [] });
}

/** A pair of three and two tokens over three layers. */
export function exampleTokens(states = 2): ProbeResult {
  const prompts = examplePrompts(6);
  const pair = [prompts[0]!, prompts[1]!];
  const tokens = [
    [" shoot", " people", "\n"].map((text, i) => ({ id: i, text, column: i, own: i < 2 })),
    [" shoot", "\n"].map((text, i) => ({ id: i, text, column: 2 * i, own: i < 1 })),
  ];
  const names = exampleStates(states);
  const value = (s: number, kind: number, prompt: number, layer: number, t: number) =>
    (prompt === 0 ? 1 : -1) * (layer + 1) * 0.5 + 0.1 * t + s - 0.25 * kind;
  const kinds = ["refusal", "random", "shuffled"] as const;
  const figures = {
    ...{
      against: "general",
      fitted: { toxic: 20, against: 21 },
      fit: "each",
      columns: 3,
      skipped: 4,
      draws: 8,
    },
    prompts: pair.map(({ id, prompt, group }, p) => ({ id, prompt, group, tokens: tokens[p]! })),
    states: names.map(({ name: state }, s) => ({
      state,
      layers: [1, 2, 3].map((layer) => ({
        ...{ layer, distance: 2 * layer, cosine: s === 0 ? 1 : 0.5, shuffledLength: 0.2 },
        size: { refusal: 1.1, random: 0.3, shuffled: 0.4 },
      })),
      maps: kinds.flatMap((kind, k) =>
        [0, 1].map((prompt) => ({
          ...{ kind, prompt },
          values: [0, 1, 2].map((layer) => tokens[prompt]!.map((_, t) => value(s, k, prompt, layer, t))),
        })),
      ),
    })),
  };
  return exampleResult(tokensContract, { prompts, states: names, figures, tables: [] });
}
