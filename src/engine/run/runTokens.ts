import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Example, Tokens } from "../backend/backend.ts";
import { encodeExamples, type FittedExamples } from "../probe/answerLoss.ts";
import type { ContrastSource } from "../probe/separability/layerChoice.ts";
import type { Session } from "../session/session.ts";
import type { ContrastPrompt } from "../train/contrastSampler.ts";
import type { RunPrompts } from "./prompts.ts";

/** The monitored prompts, in the order of their files. */
export interface PanelTokens {
  readonly toxic: readonly Tokens[];
  readonly seeminglyToxic: readonly Tokens[];
  readonly general: readonly Tokens[];
  /** Pairs whose held-out loss is measured. */
  readonly answers: readonly Example[];
  /** Whether a prompt leaves room for the openings behind it, and so is probed. */
  fits(row: Tokens): boolean;
}

/** The prompts of a run as tokens: what fits the limits is trained on, measured and monitored. */
export interface RunTokens {
  readonly general: readonly Example[];
  readonly safety: readonly Example[];
  /** Helpful pairs, where their answers are given. */
  readonly helpful: readonly Example[];
  /** The prompts that safety and helpful pairs were made of. */
  readonly records: ReadonlyMap<Example, PromptRecord>;
  /** Tokens that a pair may have. */
  readonly limit: number;
  readonly contrast: readonly (ContrastPrompt & ContrastSource)[];
  readonly panels: PanelTokens;
  /** What does not fit, and what becomes of it, in whole sentences. */
  readonly warnings: readonly string[];
}

/** Limits in tokens. */
interface Limits {
  /** Of what is trained on: maxTokens, or the model's context where that is less. */
  readonly limit: number;
  readonly contextLength: number;
}

/**
 * Encodes all prompts of a run but its suites.
 *
 * @param depth tokens that stand behind a monitored prompt while it is scored.
 * @throws DiscernError `prompt-too-long` where nothing of a group is left; `dataset-empty` for a pair without an answer.
 */
export async function runTokens(
  { encoder, loaded }: Session,
  recipe: Recipe,
  prompts: RunPrompts,
  depth: number,
): Promise<RunTokens> {
  const ids = (records: readonly PromptRecord[]) => encoder.prompts(records.map(({ prompt }) => prompt));
  const { contextLength } = loaded.architecture;
  const limit = Math.min(recipe.maxTokens, contextLength);
  const limits = { limit, contextLength };
  const fit = { limit, tooLong: recipe.tooLong };
  const general = await encodeExamples(encoder, prompts.general, fit);
  const safety = await encodeExamples(encoder, prompts.safety, fit);
  const given = recipe.data.helpfulAnswers.type === "given" ? prompts.helpful : [];
  const helpful = await encodeExamples(encoder, given, fit);
  const records = new Map<Example, PromptRecord>();
  for (const [each, i] of safety.indices.entries()) records.set(safety.examples[each]!, prompts.safety[i]!);
  for (const [each, i] of helpful.indices.entries()) records.set(helpful.examples[each]!, given[i]!);
  // What is measured is not learned: a cut answer lacks nothing there.
  const panel = await encodeExamples(encoder, prompts.panels.general, { ...fit, tooLong: "cut" });
  const rows = await ids(prompts.contrast);
  const short = rows.map((row) => row.length <= limit);
  const contrast = contrastPrompts(
    prompts.contrast.filter((_, i) => short[i]),
    rows.filter((_, i) => short[i]),
  );
  const long = prompts.contrast.flatMap(({ source, line }, i) => (short[i] ? [] : `${source}, line ${line}`));
  const panels = {
    toxic: await ids(prompts.panels.toxic),
    seeminglyToxic: await ids(prompts.panels.seeminglyToxic),
    general: await ids(prompts.panels.general),
    answers: panel.examples,
    fits: (row: Tokens) => row.length + depth <= contextLength,
  };
  const warnings = [
    ...pairWarnings("data.general", prompts.general.length, general, limits),
    ...pairWarnings("data.safety", prompts.safety.length, safety, limits),
    ...pairWarnings("data.helpful", given.length, helpful, limits),
    ...leftOutWarnings("data.contrast", prompts.contrast.length, long, limits),
    ...panelWarnings(panels, panel, limits),
  ];
  return {
    general: general.examples,
    safety: safety.examples,
    helpful: helpful.examples,
    records,
    limit,
    contrast,
    panels,
    warnings,
  };
}

/**
 * What is said of prompts that are left out of training.
 *
 * @param name key of the recipe that names the prompts.
 * @param all how many prompts it has.
 * @param left those that are left out, as `file, line n`.
 * @throws DiscernError `prompt-too-long` where all are left out.
 */
function leftOutWarnings(
  name: string,
  all: number,
  left: readonly string[],
  { limit, contextLength }: Limits,
): string[] {
  if (left.length === 0) return [];
  if (left.length === all) {
    throw new DiscernError(
      "prompt-too-long",
      `All ${all} prompts of ${name} are too long for maxTokens (${limit}) and would be left out. Raise maxTokens, up to the ` +
        `model's context of ${contextLength}.`,
    );
  }
  return [
    `${left.length} of the ${all} prompts of ${name} are too long for maxTokens (${limit}) and are left out of ` +
      `training. The first: ${left[0]}.`,
  ];
}

function pairWarnings(
  name: string,
  all: number,
  { cut, leftOut, examples }: FittedExamples,
  limits: Limits,
): string[] {
  const found = leftOutWarnings(name, all, leftOut, limits);
  if (cut > 0) {
    found.push(
      `${cut} of the ${examples.length} answers of ${name} are longer than maxTokens (${limits.limit}) allows and are cut ` +
        'off: they have no end to learn. Raise maxTokens, or leave them out with tooLong "leave-out".',
    );
  }
  return found;
}

function panelWarnings(
  panels: PanelTokens,
  { cut, leftOut }: FittedExamples,
  { limit, contextLength }: Limits,
): string[] {
  const found: string[] = [];
  const watched = [...panels.toxic, ...panels.seeminglyToxic, ...panels.general];
  const unseen = watched.filter((row) => !panels.fits(row)).length;
  if (unseen > 0) {
    found.push(
      `${unseen} prompts of the panels do not fit into the model's context of ${contextLength} tokens and are not probed.`,
    );
  }
  if (cut + leftOut.length > 0) {
    found.push(
      `The held-out loss is measured on the first ${limit} tokens (maxTokens) of each pair of data.panels.general: ${cut} ` +
        `answers are cut off, and ${leftOut.length} pairs, whose prompts alone are as long, are left out.`,
    );
  }
  return found;
}

function contrastPrompts(
  records: RunPrompts["contrast"],
  ids: readonly number[][],
): (ContrastPrompt & ContrastSource)[] {
  return records.flatMap(({ label, kind, pair, prompt, origin }, i) =>
    label === "toxic" || label === "seemingly_toxic"
      ? [
          {
            ids: ids[i]!,
            label,
            prompt,
            origin,
            ...(kind === undefined ? {} : { kind }),
            ...(pair === undefined ? {} : { pair }),
          },
        ]
      : [],
  );
}
