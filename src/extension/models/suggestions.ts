import { nearest } from "../../protocol/nearest.ts";
import { fitWords, type SuggestedFit } from "../../recipe/suggestedFits.ts";
import { byteSize, parameterCount } from "../../wording/numbers.ts";

/** A suggested model as a row of the list of models to pull. */
export interface SuggestionItem {
  readonly label: string;
  /** What is pulled. */
  readonly name: string;
  readonly description: string;
  readonly detail: string;
  /** Whether it is listed though what was typed is not in it. */
  readonly alwaysShow?: boolean;
}

/** Suggested models under a heading that says what they can be used for here. */
export interface SuggestionGroup {
  readonly heading: string;
  readonly items: readonly SuggestionItem[];
}

/** The suggested models by what fits into the memory that is available, each with its size, licence and memory plans. */
export function suggestionGroups(models: readonly SuggestedFit[]): SuggestionGroup[] {
  const groups = [
    { heading: "LoRA training fits in memory", holds: inMemory },
    { heading: "LoRA training reads weights from disk at each step", holds: streamed },
    { heading: "Scoring only; LoRA training needs more memory, or a GPU", holds: scoringOnly },
    { heading: "Needs more memory, or a GPU", holds: tooLarge },
  ];
  return groups
    .map(({ heading, holds }) => ({ heading, items: models.filter(holds).map(itemOf) }))
    .filter(({ items }) => items.length > 0);
}

/** The groups with the model that was most likely meant by what was typed, where that is in none of them, always shown. */
export function withNearest(groups: readonly SuggestionGroup[], typed: string): readonly SuggestionGroup[] {
  const items = groups.flatMap((group) => group.items);
  const isIn = (text: string) => text.toLowerCase().includes(typed.toLowerCase());
  if (items.some(({ label, description, detail }) => [label, description, detail].some(isIn))) return groups;
  const near = nearest(
    typed,
    items.map(({ name }) => name),
  );
  return groups.map(({ heading, items }) => ({
    heading,
    items: items.map((item) =>
      item.name === near
        ? { ...item, description: `did you mean this? · ${item.description}`, alwaysShow: true }
        : item,
    ),
  }));
}

const inMemory = ({ training }: SuggestedFit) => training.fits && training.mode !== "stream";
const streamed = ({ training }: SuggestedFit) => training.fits && training.mode === "stream";
const scoringOnly = ({ scoring, training }: SuggestedFit) => !training.fits && scoring.fits;
const tooLarge = ({ scoring, training }: SuggestedFit) => !training.fits && !scoring.fits;

function itemOf(model: SuggestedFit): SuggestionItem {
  const { name, hub, parameters, bytes, licence, gated, scoring, training } = model;
  const terms = gated ? `${licence}, gated` : licence;
  return {
    ...{ label: name, name },
    description: `${parameterCount(parameters)} parameters · ${byteSize(bytes)} download · ${terms}`,
    detail: `Scoring: ${fitWords(scoring)} · LoRA training: ${fitWords(training)} · ${hub}`,
  };
}
