import { promptId } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { PreferenceRecipe } from "../../protocol/recipeStages.ts";
import { forwardFlops } from "../../recipe/stageCost.ts";
import type { Example } from "../backend/backend.ts";
import { ownAnswers } from "../distil/ownAnswers.ts";
import { type PreferredAnswer, pairsOf } from "../distil/preferences.ts";
import { logProbabilities, type PreferencePair, type ReferencedPair } from "../probe/preferenceLoss.ts";
import { modelSize, type Session } from "../session/session.ts";
import type { PreferencePairs } from "../train/preference.ts";
import type { HelpfulPair } from "./gatherPairs.ts";
import { keptReference, type LeftOutRow, type MadeRow, type MadeRows } from "./madeFile.ts";
import { answering, distinct, judgeOf, type MakingContext, madeFolder, madeOnce, rowOf } from "./making.ts";
import { watchPeak } from "./peakMemory.ts";
import { DevicePeaks, peaksNow } from "./telemetry.ts";

/**
 * The pairs of a preference stage, as POROver builds them with the model as it is: see `pairsOf`. Their log-probabilities under
 * the reference, which is that model, are measured with them.
 *
 * @throws DiscernError `group-too-small` where the model leaves no pair.
 */
export async function preferencePairs(
  context: MakingContext,
  index: number,
  stage: PreferenceRecipe,
  helpful: readonly HelpfulPair[],
): Promise<PreferencePairs<ReferencedPair>> {
  const { recipe, session, tokens, emit } = context;
  const { backend, encoder } = session;
  const judge = await judgeOf(recipe, context.manifest.recipe.root, stage.judge);
  const preferred = [
    ...distinct(helpful.map((pair) => preferredOf(pair.row, "seemingly_toxic", pair.example))),
    ...distinct(
      tokens.safety.map((example) => {
        const record = tokens.records.get(example)!;
        return preferredOf({ ...rowOf(record), response: record.response! }, "toxic", example);
      }),
    ),
  ];
  const name = preferencesName(index);
  const about = { what: "preferences", judge: judge.id, stage: index } as const;
  const rows = await madeOnce(context, name, about, async (making) => {
    const options = answering(context, { ...stage, samples: 1, temperature: 1 }, judge);
    const own = await ownAnswers(backend, encoder, preferred, { ...options, ...(await making("answers")) });
    return rejections(
      preferred,
      pairsOf(
        preferred,
        own.map(([first]) => first),
      ),
    );
  });
  const found = await encodedPairs(context, preferred, rows);
  const reference = await keptReference(await madeFolder(context), name, found, () =>
    measuredReference(context, index, found),
  );
  const known = found.map((pair, i) => ({ ...pair, reference: reference[i]! }));
  const pairs = {
    helpful: known.filter(({ label }) => label !== "toxic"),
    safety: known.filter(({ label }) => label === "toxic"),
  };
  refuseNone(pairs, preferred.length);
  for (const message of lacking(pairs, stage.safetyRatio)) emit({ type: "warning", message });
  return pairs;
}

/** The log-probabilities of pairs with the model as it is; what they cost is told. */
async function measuredReference(
  { session, emit }: MakingContext,
  stage: number,
  pairs: readonly PreferencePair[],
): Promise<ReferencedPair["reference"][]> {
  const [peakBytes, devices] = [watchPeak(), new DevicePeaks()];
  const reference = await logProbabilities(session.backend, pairs);
  const tokens = pairs.reduce(
    (sum, { chosen, rejected }) => sum + chosen.ids.length + rejected.ids.length,
    0,
  );
  emit({
    ...{ type: "reference-measured", stage, pairs: pairs.length },
    flops: tokens * forwardFlops(modelSize(session)),
    ...(await peaksNow(session.backend, peakBytes, devices)),
  });
  return reference;
}

/** The name under which the pairs of a stage are kept in the folder `data`. */
export function preferencesName(stage: number): string {
  return `preferences-${stage + 1}`;
}

/** A rejected answer as it is learned: one that was cut off has no end to learn. */
export async function rejectedExample(
  encoder: Session["encoder"],
  { prompt, rejected = "", rejectedEnded }: MadeRow,
  limit: number,
): Promise<Example> {
  const { ids, promptLength } = await encoder.pair(prompt, rejected);
  const end = Math.min(rejectedEnded ? ids.length : ids.length - 1, limit);
  return { ids: ids.slice(0, end), promptLength };
}

/** The pairs as tokens. */
async function encodedPairs(
  { session, tokens }: MakingContext,
  preferred: readonly Preferred[],
  rows: readonly MadeRow[],
): Promise<(PreferencePair & Pick<MadeRow, "label">)[]> {
  const chosen = new Map(preferred.map(({ id, label, example }) => [`${label} ${id}`, example]));
  const found = [];
  for (const row of rows) {
    const { prompt, label } = row;
    const example = chosen.get(`${label} ${promptId(prompt)}`);
    if (example === undefined) continue;
    found.push({
      label,
      chosen: example,
      rejected: await rejectedExample(session.encoder, row, tokens.limit),
    });
  }
  return found;
}

interface Preferred extends PreferredAnswer {
  readonly row: Omit<MadeRow, "label">;
  readonly example: Example;
}

function preferredOf(
  row: Omit<MadeRow, "label">,
  label: PreferredAnswer["label"],
  example: Example,
): Preferred {
  const { prompt, response } = row;
  return { id: promptId(prompt), prompt, response, label, row, example };
}

function rejections(preferred: readonly Preferred[], found: ReturnType<typeof pairsOf<Preferred>>): MadeRows {
  const rows: MadeRow[] = [];
  const leftOut: LeftOutRow[] = [];
  for (const [i, one] of found.entries()) {
    const { row, label } = preferred[i]!;
    if ("rejected" in one) {
      rows.push({ ...row, label, rejected: one.rejected.response, rejectedEnded: one.rejected.ended });
    } else leftOut.push({ ...row, label, reason: one.reason });
  }
  return { rows, leftOut };
}

function refuseNone({ helpful, safety }: PreferencePairs, asked: number): void {
  if (helpful.length + safety.length > 0) return;
  throw new DiscernError(
    "group-too-small",
    `The model leaves nothing to prefer: of ${asked} prompts it refuses no seemingly toxic one and complies with no toxic one, ` +
      "or its answers are undetermined. Add prompts to data.helpful, raise maxNewTokens of the stage, or leave the stage out.",
  );
}

function lacking({ helpful, safety }: PreferencePairs, ratio: number): string[] {
  if (helpful.length === 0 && ratio < 1) {
    return [
      "The model refuses none of the seemingly toxic prompts: all preference pairs are of toxic prompts.",
    ];
  }
  if (safety.length === 0 && ratio > 0) {
    return [
      "The model complies with none of the toxic prompts: all preference pairs are of seemingly toxic prompts.",
    ];
  }
  return [];
}
