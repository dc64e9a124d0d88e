import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { shortened } from "../dataset/notices.ts";
import type { PromptRecord } from "../dataset/record.ts";
import { DiscernError } from "../protocol/errors.ts";
import {
  type FrozenOpenings,
  type MeasuredOpenings,
  type OpeningsFile,
  openingsFileSchema,
  openingTexts,
  type RecipeOpenings,
} from "../protocol/openings.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { sha256 } from "../storage/hash.ts";

/** What tells openings from others: their texts, in order. */
export function openingsHash(openings: readonly string[]): string {
  return sha256(JSON.stringify(openings));
}

/**
 * Reads a file of derived openings.
 *
 * @param root folder against which a relative path is resolved.
 * @throws DiscernError `file-missing`; `recipe-invalid` for a file that is none, or whose openings are not those that its counts are of.
 */
export function readOpenings(file: string, root: string): OpeningsFile {
  const path = resolve(root, file);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DiscernError(
      "file-missing",
      `The openings ${path} cannot be read. Derive them with: discern openings MODEL-or-RUN… PROMPTS… --out ${file}`,
      { cause },
    );
  }
  let found: OpeningsFile;
  try {
    found = openingsFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new DiscernError("recipe-invalid", `${path} is not a file of derived openings: ${reason}`, {
      cause,
    });
  }
  if (openingsHash(found.openings.map((each) => each.text)) !== found.hash) {
    throw new DiscernError(
      "recipe-invalid",
      `${path} was changed by hand: its counts are of other openings. Derive them again, or give a list of your own in probes.openings.`,
    );
  }
  return found;
}

/** Openings as a run keeps them: those of a file with where they came from. @throws as {@link readOpenings}. */
export function frozenOpenings(openings: RecipeOpenings, root: string): Exclude<RecipeOpenings, string> {
  if (typeof openings !== "string") return openings;
  const found = readOpenings(openings, root);
  return {
    file: openings,
    hash: found.hash,
    openings: found.openings.map(({ text }) => text),
    derivation: derivationOf(found),
    promptIds: found.prompts.asked.map(({ id }) => id),
  } satisfies FrozenOpenings;
}

/** How the openings of a file came about. */
function derivationOf(found: OpeningsFile): FrozenOpenings["derivation"] {
  const { created, methods, prompts, judge, seed, heldOut } = found;
  return {
    created,
    methods: methods.map(({ name }) => name),
    prompts: prompts.asked.length,
    answers: methods.reduce((sum, { counts }) => sum + counts.answers, 0),
    judge: { id: judge.id, version: judge.version },
    seed,
    coverage: heldOut.coverage?.value ?? null,
    falseShare: heldOut.falseShare?.value ?? null,
  };
}

/** A recipe whose openings are read, so that the run that it becomes keeps them. @throws as {@link readOpenings}. */
export function withOpenings(recipe: Recipe, root: string): Recipe {
  const openings = frozenOpenings(recipe.probes.openings, root);
  return openings === recipe.probes.openings ? recipe : { ...recipe, probes: { ...recipe.probes, openings } };
}

/** What a report states of the openings that methods were measured by. */
export function measuredBy(openings: RecipeOpenings): MeasuredOpenings {
  const texts = [...openingTexts(openings)];
  const from = Array.isArray(openings) || typeof openings === "string" ? null : openings;
  return {
    hash: openingsHash(texts),
    openings: texts,
    ...(from && { file: from.file, derivation: from.derivation }),
  };
}

/** A suite as far as its prompts are concerned; one of questions has none. */
interface AskedPrompts {
  readonly name: string;
  readonly records?: readonly Pick<PromptRecord, "id" | "prompt">[];
}

/** The suites with prompts whose answers openings were derived from, and what is to be said of each, in a whole sentence. */
export function openingsOverlap(
  openings: RecipeOpenings,
  suites: readonly AskedPrompts[],
): { suite: string; message: string }[] {
  if (typeof openings === "string" || Array.isArray(openings)) return [];
  const asked = new Set(openings.promptIds);
  return suites.flatMap(({ name, records = [] }) => {
    const shared = records.filter(({ id }) => asked.has(id));
    const [first] = shared;
    if (first === undefined) return [];
    const message =
      `${shared.length} of the ${records.length} prompts of the suite "${name}" are among those whose answers the openings of ` +
      `${openings.file} were derived from (the first: ${shortened(first.prompt, 200)}), so the refusal probability looks better ` +
      "there than it is. Derive the openings from other prompts.";
    return [{ suite: name, message }];
  });
}
