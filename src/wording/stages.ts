/** Kinds of stages as people name them: the paper's abbreviation, what the stage does, and the stage itself. */
export const stageWords = {
  contrastive: { short: "DCR", work: "contrastive refinement", stage: "contrastive stage" },
  supervised: { short: "STL", work: "safety tuning", stage: "safety-tuning stage" },
  preference: { short: "DPO", work: "preference tuning", stage: "preference-tuning stage" },
} as const;

/** The word for a kind of stage that a log names; the kind itself where this version does not know it. */
export function stageWord(kind: string, form: "short" | "work" | "stage"): string {
  return Object.hasOwn(stageWords, kind) ? stageWords[kind as keyof typeof stageWords][form] : kind;
}
