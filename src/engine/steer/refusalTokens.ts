import { DiscernError } from "../../protocol/errors.ts";
import type { Tokens } from "../backend/backend.ts";
import { spellings } from "../probe/tokenTrie.ts";
import { nextTokens } from "./directions.ts";
import type { FitContext } from "./method.ts";

/** The first tokens of refusals, and what a reader must know of them. */
export interface RefusalTokens {
  readonly tokens: readonly number[];
  readonly notes: readonly string[];
}

/** Share of the openings' probability on harmful prompts that the tokens cover. */
const coverage = 0.9;
/** Probability on harmless prompts from which on a token is no sign of refusal. */
const innocent = 0.05;

/**
 * The token set R of the refusal score. The published sets are hand-made for five models. Here R is derived for each model from
 * the openings of a refusal that are measured everywhere else, so that no answers need be generated and judged: of their first tokens
 * the fewest that cover 90 % of the openings' first-token probability on harmful prompts, without those that begin answers to harmless
 * ones (5 % of their probability or more).
 *
 * @param texts whose first tokens are taken instead, where a person names them.
 * @throws DiscernError `request-invalid` where none is left.
 */
export async function refusalTokens(
  { backend, encoder, openings }: FitContext,
  { harmful, harmless }: { readonly harmful: readonly Tokens[]; readonly harmless: readonly Tokens[] },
  texts: readonly string[] | undefined,
): Promise<RefusalTokens> {
  const spelled = texts ?? openings.flatMap(spellings);
  const first = new Set((await encoder.openings(spelled)).flatMap(([token]) => token ?? []));
  if (texts !== undefined) return { tokens: [...first], notes: [] };
  const masses = async (prompts: readonly Tokens[]) => {
    const sums = new Map([...first].map((token) => [token, 0]));
    for await (const logProbabilities of nextTokens(backend, prompts)) {
      for (const token of first) sums.set(token, sums.get(token)! + Math.exp(logProbabilities[token]!));
    }
    return (token: number) => sums.get(token)! / prompts.length;
  };
  const [refused, answered] = [await masses(harmful), await masses(harmless)];
  const clear = [...first].filter((token) => answered(token) < innocent);
  if (clear.length === 0) {
    throw new DiscernError(
      "request-invalid",
      "Every first token of a refusal begins answers to harmless prompts as well, so no refusal score can be made of them. Name tokens by " +
        "steering.refusalTokens, or other harmless prompts.",
    );
  }
  const ordered = clear.toSorted((a, b) => refused(b) - refused(a));
  const total = clear.reduce((sum, token) => sum + refused(token), 0);
  const tokens: number[] = [];
  let covered = 0;
  for (const token of ordered) {
    if (tokens.length > 0 && covered >= coverage * total) break;
    tokens.push(token);
    covered += refused(token);
  }
  const left = first.size - clear.length;
  return {
    tokens,
    notes:
      left === 0
        ? []
        : [
            `${left} of the ${first.size} first tokens of a refusal also begin answers to harmless prompts and are not in the refusal score.`,
          ],
  };
}
