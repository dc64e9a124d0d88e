import type { Folds, LabelledPrompt } from "../../../statistics/folds.ts";
import { jackknifeError } from "../../../statistics/jackknife.ts";

/** An AUROC and its standard error; NaN where a score is not finite. */
export interface FoldAuroc {
  readonly auroc: number;
  readonly standardError: number;
}

/**
 * AUROC of held-out scores, toxic against seemingly toxic, ties counted half, over the pairs within each fold: the
 * probes of different folds have scales and offsets of their own, so scores of different folds are never compared.
 *
 * The standard error is that of {@link jackknifeError} over groups. It takes the scores as given.
 *
 * @param scores (n), each by the probe that had not seen the prompt's group.
 * @param labels (n)
 */
export function foldAuroc(
  scores: ArrayLike<number>,
  labels: readonly LabelledPrompt["label"][],
  { folds, groups, groupOf }: Folds,
): FoldAuroc {
  let [wins, pairs] = [0, 0];
  /** What each group takes part in. */
  const [winsOf, pairsOf] = [new Float64Array(groups), new Float64Array(groups)];
  for (const fold of folds) {
    const toxic = fold.filter((i) => labels[i] === "toxic");
    const seeming = fold.filter((i) => labels[i] !== "toxic");
    for (const i of toxic) {
      for (const j of seeming) {
        const gap = scores[i] - scores[j];
        if (Number.isNaN(gap)) return { auroc: Number.NaN, standardError: Number.NaN };
        const won = gap > 0 ? 1 : gap === 0 ? 0.5 : 0;
        const [a, b] = [groupOf[i], groupOf[j]];
        wins += won;
        pairs += 1;
        winsOf[a] += won;
        pairsOf[a] += 1;
        if (a === b) continue;
        winsOf[b] += won;
        pairsOf[b] += 1;
      }
    }
  }
  const without = [...winsOf].flatMap((own, g) => {
    const left = pairs - pairsOf[g];
    return pairsOf[g] > 0 && left > 0 ? [(wins - own) / left] : [];
  });
  return { auroc: wins / pairs, standardError: jackknifeError(without) };
}
