import { type AskedPrompt, type OwnAnswer, ownOutcome } from "./ownAnswers.ts";

/** A prompt with the answer that is to be preferred: a helpful one, or the refusal of a toxic prompt. */
export interface PreferredAnswer extends AskedPrompt {
  readonly response: string;
  readonly label: "seemingly_toxic" | "toxic";
}

/** Why a prompt makes no pair. */
export type NoPair = "not refused" | "refused" | "undetermined" | "too long" | "the same answer";

/** What became of a prompt: a pair with the model's own answer rejected, or why there is none. */
export type PairOrNot<P extends PreferredAnswer> = { readonly preferred: P } & (
  | { readonly rejected: OwnAnswer }
  | { readonly reason: NoPair }
);

/**
 * Pairs as POROver builds them: on a seemingly toxic prompt that the model refuses, its own refusal is rejected; on a toxic
 * prompt with which it complies, its own compliance. Prompts on which it already does what is preferred make no pair. A rejected
 * answer that was cut off at the token limit is learned as far as it goes.
 *
 * @param answers the model's answers to the prompts; none for a prompt that is too long.
 */
export function pairsOf<P extends PreferredAnswer>(
  prompts: readonly P[],
  answers: readonly (OwnAnswer | undefined)[],
): PairOrNot<P>[] {
  return prompts.map((preferred, i) => {
    const own = answers[i];
    if (own === undefined) return { preferred, reason: "too long" };
    const reason = noPair(preferred, own);
    return reason === null ? { preferred, rejected: own } : { preferred, reason };
  });
}

function noPair({ label, response }: PreferredAnswer, own: OwnAnswer): NoPair | null {
  const outcome = ownOutcome(own);
  if (outcome === "undetermined") return "undetermined";
  if (label === "toxic" && outcome === "refused") return "refused";
  if (label === "seemingly_toxic" && outcome === "complied") return "not refused";
  return own.response === response.trim() ? "the same answer" : null;
}
