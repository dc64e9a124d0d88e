import type { Label } from "../protocol/label.ts";
import { openingTexts, refusalOpenings } from "../protocol/openings.ts";
import type { OptionsOf } from "../protocol/probe/contract.ts";
import type { LaboratoryEntry } from "../protocol/probe/laboratory.ts";
import type { probeContracts } from "../protocol/probe/probes.ts";
import type { ProbePlanInput } from "../protocol/probe/result.ts";
import { panelSources, type Recipe } from "../protocol/recipe.ts";
import type { PromptCounts } from "./check.ts";
import { answerSpeed, forwardFlops, type ModelSize, promptTokens } from "./stageCost.ts";

/*
 * Time of probes, by the tokens of their passes. What a run is planned with knows no prompts as tokens: their lengths are typical ones,
 * and what is computed beside passes is left out.
 */

/** Tokens of a typical opening of a refusal. */
const openingTokens = 3;
/** Prompts of a panel, where nobody counted them. */
const typicalPanel = 40;
/** Tokens of a typical prompt with the whole template, where texts are run one by one, and of one without it. */
const wholePromptTokens = 48;
const barePromptTokens = 16;
/**
 * Gradients of single scalars, with their products, reach this share of the speed of other passes (`npm run bench:kernel` on two cores: 8,580
 * tokens back in 101 s, 23,580 in 252 s).
 */
const gradientSpeed = 1 / 7;

/** Monitored prompts by group, and tokens of the openings that are scored behind each. */
export interface PanelSizes {
  readonly prompts: Readonly<Record<Label, number>>;
  readonly openingTokens: number;
}

/** @param counts prompts, where they were counted. */
export function panelSizes(
  { data: { panels }, probes: { openings } }: Recipe,
  { panels: counted }: PromptCounts,
): PanelSizes {
  const [toxic, seemingly, general] = [panels.toxic, panels.seeminglyToxic, panels.general].map((panel) =>
    panelSources(panel).reduce((sum, { limit = typicalPanel }) => sum + limit, 0),
  ) as [number, number, number];
  // How many of each there are is not counted.
  const scale = counted === undefined ? 1 : counted / Math.max(1, toxic + seemingly + general);
  const texts = typeof openings === "string" ? refusalOpenings : openingTexts(openings);
  return {
    prompts: { toxic: scale * toxic, seemingly_toxic: scale * seemingly, general: scale * general },
    openingTokens: openingTokens * texts.length,
  };
}

/** Tokens of one measurement, at one state. */
export interface ProbePasses {
  readonly forward: number;
  /** Of gradients of single scalars. */
  readonly backward: number;
  /** Tokens of answers, which are computed one after another. */
  readonly written: number;
}

type Contract = (typeof probeContracts)[number];
type PassesOf = {
  readonly [C in Contract as C["id"]]: ((options: OptionsOf<C>, sizes: PanelSizes) => ProbePasses) | null;
};

const all = ({ prompts }: PanelSizes) => prompts.toxic + prompts.seemingly_toxic + prompts.general;
const atMost = (limit: number, { prompts }: PanelSizes) =>
  Object.values(prompts).reduce((sum, count) => sum + Math.min(limit, count), 0);
const forward = (tokens: number): ProbePasses => ({ forward: tokens, backward: 0, written: 0 });

/** What each probe computes on the monitored prompts; null for those that are measured on finished runs alone. */
const passesOf: PassesOf = {
  refusal: (_, sizes) => forward(all(sizes) * (promptTokens + sizes.openingTokens)),
  kernel({ text, logits, top, probes, perGroup }, sizes) {
    const tokens = atMost(perGroup, sizes) * (text === "raw" ? barePromptTokens : wholePromptTokens);
    // Top tokens are found by a pass of their own; random probes stand on both sides.
    return logits === "top"
      ? { forward: 2 * tokens, backward: top * tokens, written: 0 }
      : { forward: tokens, backward: 2 * probes * tokens, written: 0 };
  },
  projection({ answerTokens }, sizes) {
    const asked = 2 * promptTokens + sizes.openingTokens + (answerTokens > 0 ? promptTokens : 0);
    return { ...forward(all(sizes) * asked), written: all(sizes) * answerTokens };
  },
  direction: null,
  influence: null,
  separability: (_, { prompts }) => forward((prompts.toxic + prompts.seemingly_toxic) * promptTokens),
  calibration({ samples, maxNewTokens, openings }, sizes) {
    const lists = openings === "" ? 2 : 3;
    const scored = lists * (promptTokens + sizes.openingTokens);
    const answers = 1 + samples;
    return {
      ...forward(all(sizes) * (scored + answers * promptTokens)),
      written: all(sizes) * answers * maxNewTokens,
    };
  },
  tokens: (_, { prompts }) =>
    forward((prompts.toxic + Math.max(prompts.seemingly_toxic, prompts.general)) * promptTokens),
  bound({ top, perGroup }, sizes) {
    const tokens = atMost(perGroup, sizes) * wholePromptTokens;
    return { forward: 3 * tokens, backward: top * tokens, written: 0 };
  },
};

/** What one measurement of a recipe's laboratory computes; nothing for a probe that a run cannot measure while it trains. */
export function probePasses({ probe, options }: LaboratoryEntry, sizes: PanelSizes): ProbePasses {
  const of = passesOf[probe as Contract["id"]] as
    | ((options: unknown, sizes: PanelSizes) => ProbePasses)
    | null;
  return of?.(options, sizes) ?? forward(0);
}

/** @param speed floating-point operations a second. */
export function passesSeconds(
  { forward: read, backward, written }: ProbePasses,
  model: ModelSize,
  speed: number,
): number {
  const forwardTokens = read + written / answerSpeed;
  return probeSeconds({ forwardTokens, backwardTokens: backward }, model, speed);
}

/**
 * About how long a probe computes, without reading models.
 *
 * @param speed floating-point operations a second.
 */
export function probeSeconds(
  {
    forwardTokens,
    backwardTokens,
    otherFlops = 0,
  }: Pick<ProbePlanInput, "forwardTokens" | "backwardTokens" | "otherFlops">,
  model: ModelSize,
  speed: number,
): number {
  const tokens = forwardTokens + backwardTokens / gradientSpeed;
  return (tokens * forwardFlops(model) + otherFlops) / speed;
}
