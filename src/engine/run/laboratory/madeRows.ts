import { join, relative, sep } from "node:path";
import { promptId } from "../../../dataset/record.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import type { TrainingPart } from "../../../protocol/probe/result.ts";
import type { Recipe } from "../../../protocol/recipe.ts";
import { helpfulUse, usesTriggers } from "../../../recipe/uses.ts";
import { runPaths } from "../../../runFolder/folder.ts";
import type { Example } from "../../backend/backend.ts";
import type { PromptEncoder } from "../../chat/encoding.ts";
import type { TrainingRow } from "../../probe/definition.ts";
import { type MadeRow, readMade, readReference } from "../madeFile.ts";
import { preferencesName, rejectedExample } from "../preferencePairs.ts";

/** Where a run is, and how it cut pairs. */
interface MadePlace {
  readonly folder: string;
  /** Paths of files are relative to it, as those of the recipe are. */
  readonly root: string;
  /** Tokens that a pair may have. */
  readonly limit: number;
}

/**
 * The training pairs that a run made for its stages and keeps in its folder `data`: helpful answers and triggers, and preference pairs,
 * each as the run learned it.
 *
 * @param given the pairs of the recipe's files, of which preferred answers are.
 * @throws DiscernError `request-invalid` for what is gone from the folder, or is other than the run trained on.
 */
export async function madeRows(
  recipe: Recipe,
  encoder: PromptEncoder,
  place: MadePlace,
  given: readonly TrainingRow[],
): Promise<TrainingRow[]> {
  const { stages, data } = recipe;
  const made: TrainingRow[] = [];
  if (helpfulUse(recipe) !== null && data.helpfulAnswers.type !== "given") {
    for (const row of await answeredRows(encoder, place, "helpful")) made.push(row);
  }
  if (usesTriggers(recipe) && data.triggers.type !== "pairs") {
    for (const row of await answeredRows(encoder, place, "triggers")) made.push(row);
  }
  const learned = [...given, ...made];
  for (const [stage, { type }] of stages.entries()) {
    if (type !== "preference") continue;
    for (const row of await preferenceRows(encoder, place, stage, learned)) made.push(row);
  }
  return made;
}

/** Prompts that the model answered by itself. */
async function answeredRows(
  encoder: PromptEncoder,
  place: MadePlace,
  part: "helpful" | "triggers",
): Promise<TrainingRow[]> {
  const rows = await rowsOf(place, part);
  const examples = await encoder.pairs(rows.map(({ prompt, response }) => ({ prompt, answer: response })));
  return rows.map((row, i) => {
    const { ids, promptLength } = examples[i]!;
    return madeRow(place, part, part, i, row, { ids: ids.slice(0, place.limit), promptLength });
  });
}

/** The preference pairs of a stage. Preferred answers are cut as the pairs are that they come from. */
async function preferenceRows(
  encoder: PromptEncoder,
  place: MadePlace,
  stage: number,
  learned: readonly TrainingRow[],
): Promise<TrainingRow[]> {
  const name = preferencesName(stage);
  const preferred = new Map<string, Example>();
  for (const { id, part, example } of learned) {
    if (part !== "helpful" && part !== "safety") continue;
    const key = `${part} ${id}`;
    if (!preferred.has(key)) preferred.set(key, example);
  }
  const pairs = [];
  for (const [i, row] of (await rowsOf(place, name)).entries()) {
    const part = row.label === "toxic" ? "safety" : "helpful";
    const chosen = preferred.get(`${part} ${promptId(row.prompt)}`);
    // The run left out what its own pairs did not hold.
    if (chosen === undefined) continue;
    pairs.push({ i, row, chosen, rejected: await rejectedExample(encoder, row, place.limit) });
  }
  const labelled = pairs.map(({ row: { label }, chosen, rejected }) => ({ label, chosen, rejected }));
  const reference = await readReference(runPaths(place.folder).data, name, labelled);
  if (reference === null) {
    throw new DiscernError(
      "request-invalid",
      `Stage ${stage} trained on preference pairs whose reference is not in ${join(runPaths(place.folder).data, `${name}.reference.json`)}, or is of ` +
        "other pairs: the files of the recipe have changed since. Without it the loss of these pairs is not known. Run the recipe again.",
    );
  }
  return pairs.map(({ i, row, chosen, rejected }, n) => ({
    ...madeRow(place, name, "preferences", i, row, chosen),
    rejected: row.rejected ?? "",
    against: { stage, example: rejected, reference: reference[n]! },
  }));
}

async function rowsOf({ folder }: MadePlace, name: string): Promise<readonly MadeRow[]> {
  const { data } = runPaths(folder);
  const made = await readMade(data, name);
  if (made !== null) return made.rows;
  throw new DiscernError(
    "request-invalid",
    `The run trained on ${join(data, `${name}.jsonl`)}, which it made itself and which is gone or damaged, so the influence of those pairs cannot be ` +
      "measured. Restore the file, or run the recipe again.",
  );
}

function madeRow(
  { folder, root }: MadePlace,
  name: string,
  part: TrainingPart,
  index: number,
  { prompt, label, kind, pair, response }: MadeRow,
  example: Example,
): TrainingRow {
  const file = relative(root, join(runPaths(folder).data, `${name}.jsonl`));
  return {
    ...{ id: promptId(prompt), prompt, file: file.split(sep).join("/"), line: index + 1, group: label },
    ...(kind !== undefined && { category: kind }),
    ...(pair !== undefined && { pair }),
    ...{ part, response, example },
  };
}
