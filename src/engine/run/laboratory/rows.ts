import { DiscernError } from "../../../protocol/errors.ts";
import { type Label, labelSchema } from "../../../protocol/label.ts";
import { openingTexts } from "../../../protocol/openings.ts";
import type { ProbeContract } from "../../../protocol/probe/contract.ts";
import type { DataPart } from "../../../protocol/probe/result.ts";
import type { Recipe } from "../../../protocol/recipe.ts";
import type { PlacedRecord, RecipePrompts } from "../../../recipe/prompts.ts";
import type { Tokens } from "../../backend/backend.ts";
import type { PromptEncoder } from "../../chat/encoding.ts";
import { encodeExamples } from "../../probe/answerLoss.ts";
import type { ProbeRow, TrainingRow } from "../../probe/definition.ts";
import { spellings, tokenTrie } from "../../probe/tokenTrie.ts";

/** What a probe is given of prompts, before they are tokens. */
export interface ProbePrompts {
  readonly groups: Readonly<Record<Label, readonly PlacedRecord[]>>;
  /** Training pairs of each part; those whose answers nobody has are left out. */
  readonly training: Readonly<Record<DataPart, readonly PlacedRecord[]>>;
  readonly openings: readonly string[];
}

/** The same as tokens, with what had to be left out. */
export interface ProbeRows {
  readonly prompts: readonly ProbeRow[];
  readonly training: readonly TrainingRow[];
  readonly openings: readonly Tokens[];
  /** What a person must know of what was left out, in whole sentences. */
  readonly notices: readonly string[];
}

/** What the probes of a run take: its monitored prompts, and the pairs of its files that it trains on. */
export function probePromptsOf({ data, probes }: Recipe, prompts: RecipePrompts): ProbePrompts {
  const { panels, safety, general, helpful } = prompts;
  return {
    groups: { toxic: panels.toxic, seemingly_toxic: panels.seeminglyToxic, general: panels.general },
    training: { safety, general, helpful: data.helpfulAnswers.type === "given" ? helpful : [] },
    openings: openingTexts(probes.openings),
  };
}

export interface RowLimits {
  readonly contextLength: number;
  /** Tokens that a training pair may have, and what is done with a longer one, as the run does. */
  readonly maxTokens: number;
  readonly tooLong: "cut" | "leave-out";
}

/**
 * Encodes what a probe takes.
 *
 * @throws DiscernError `group-too-small` where too few prompts are left of a group; `dataset-empty` for a training pair without an answer.
 */
export async function probeRows(
  contract: ProbeContract,
  encoder: PromptEncoder,
  { groups, training, openings }: ProbePrompts,
  { contextLength, maxTokens, tooLong }: RowLimits,
): Promise<ProbeRows> {
  const spelled = await encoder.openings(openings.flatMap(spellings));
  const depth = tokenTrie(spelled).nodes.reduce((deepest, node) => Math.max(deepest, node.depth), 0);
  const found: ProbeRow[] = [];
  const notices: string[] = [];
  for (const group of labelSchema.options) {
    if (contract.prompts[group] === undefined) continue;
    const all = await groupRows(encoder, group, groups[group], contextLength);
    const rows = all.filter(({ ids }) => ids.length + depth <= contextLength);
    if (rows.length < all.length) {
      notices.push(
        `${all.length - rows.length} of the ${all.length} ${groupWords[group]} do not fit into the model's context of ${contextLength} ` +
          "tokens and were left out.",
      );
    }
    for (const row of rows) found.push(row);
  }
  refuseTooFew(contract, found);
  const limit = Math.min(maxTokens, contextLength);
  const pairs = await trainingRows(contract, encoder, training, { limit, tooLong });
  return { prompts: found, training: pairs.rows, openings: spelled, notices: [...notices, ...pairs.notices] };
}

/** What the prompts of a group are called. */
const groupWords: Readonly<Record<Label, string>> = {
  toxic: "toxic prompts",
  seemingly_toxic: "seemingly toxic prompts",
  general: "general prompts",
};

async function groupRows(
  encoder: PromptEncoder,
  group: Label,
  records: readonly PlacedRecord[],
  contextLength: number,
): Promise<ProbeRow[]> {
  const prompts = records.map(({ prompt }) => prompt);
  const [ids, alone] = [await encoder.prompts(prompts), await encoder.alone(prompts)];
  const answered = records.filter(({ response }) => response?.trim());
  const pairs = await encoder.pairs(answered.map(({ prompt, response }) => ({ prompt, answer: response! })));
  const examples = new Map(answered.map((record, i) => [record, pairs[i]!]));
  return records.map((record, i) => {
    const example = examples.get(record);
    // What is measured is not learned: a cut answer lacks nothing there.
    const cut = example && { ...example, ids: example.ids.slice(0, contextLength) };
    const fits = cut !== undefined && cut.promptLength < cut.ids.length;
    return { ...described(record, group), ids: ids[i]!, alone: alone[i]!, example: fits ? cut : null };
  });
}

function described({ id, prompt, origin, line, kind, pair }: PlacedRecord, group: Label) {
  return {
    ...{ id, prompt, file: origin, line, group },
    ...(kind === undefined ? {} : { category: kind }),
    ...(pair === undefined ? {} : { pair }),
  };
}

/** The label of a training part's prompts where the file says none. */
const groupOfPart: Readonly<Record<DataPart, Label>> = {
  safety: "toxic",
  general: "general",
  helpful: "seemingly_toxic",
};

async function trainingRows(
  { id, training: need }: ProbeContract,
  encoder: PromptEncoder,
  training: ProbePrompts["training"],
  fit: { readonly limit: number; readonly tooLong: "cut" | "leave-out" },
): Promise<{ rows: TrainingRow[]; notices: string[] }> {
  if (need === undefined) return { rows: [], notices: [] };
  const rows: TrainingRow[] = [];
  const notices: string[] = [];
  for (const part of need.parts) {
    // What a run made is none of the recipe's data; `madeRows.ts` reads it.
    if (part === "triggers" || part === "preferences") continue;
    const records = training[part];
    const { examples, indices, leftOut } = await encodeExamples(encoder, records, fit);
    if (leftOut.length > 0) {
      notices.push(
        `${leftOut.length} of the ${records.length} pairs of data.${part} are too long for maxTokens (${fit.limit}) and were left out, as ` +
          "they are of training.",
      );
    }
    for (const [n, i] of indices.entries()) {
      const record = records[i]!;
      const group = record.label ?? groupOfPart[part];
      rows.push({ ...described(record, group), part, response: record.response!, example: examples[n]! });
    }
  }
  if (rows.length < need.atLeast) {
    throw new DiscernError(
      "group-too-small",
      `The probe ${id} needs at least ${need.atLeast} training pairs (${Object.keys(groupOfPart)
        .filter((part) => need.parts.includes(part as DataPart))
        .map((part) => `data.${part}`)
        .join(", ")}) and has ` +
        `${rows.length}. Measure a run that trained on them, or name them with --training.`,
    );
  }
  return { rows, notices };
}

/** @throws DiscernError `group-too-small` that names what is missing. */
function refuseTooFew({ id, prompts, atLeast = 1 }: ProbeContract, rows: readonly ProbeRow[]): void {
  const count = (group: Label) => rows.filter((row) => row.group === group).length;
  for (const group of labelSchema.options) {
    const need = prompts[group];
    if (need === undefined || count(group) >= need.atLeast) continue;
    throw new DiscernError(
      "group-too-small",
      `The probe ${id} needs at least ${need.atLeast} ${groupWords[group]} and has ${count(group)}. Name a file with more of them, ` +
        `for example prompts.csv?labels=${group}.`,
    );
  }
  if (rows.length >= atLeast) return;
  const taken = labelSchema.options.filter((group) => prompts[group] !== undefined);
  throw new DiscernError(
    "group-too-small",
    `The probe ${id} needs at least ${atLeast} prompts (${taken.map((group) => groupWords[group]).join(", ")}) and has ${rows.length}.`,
  );
}
