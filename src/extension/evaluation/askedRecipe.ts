import { basename, extname, isAbsolute, relative, sep } from "node:path";
import { chatSchema } from "../../protocol/chat.ts";
import { asFileName } from "../../protocol/fileName.ts";
import type { Label } from "../../protocol/label.ts";
import { type RecipeInput, recipeSchema } from "../../protocol/recipe.ts";
import type { SourceInput } from "../../protocol/source.ts";
import { POOLED } from "../../protocol/suite.ts";
import { duration } from "../../wording/numbers.ts";
import type { AskedModel } from "../models/stateModel.ts";

/** Prompts that a model is asked: those of a file, or of a part of the starter set. */
export interface AskedFile {
  /** Absolute path of the prompt file, or `starter:…`. */
  readonly file: string;
  readonly split?: string | undefined;
  /** Column of the prompts, where a person chose one. */
  readonly column?: string | undefined;
  /** Label of every prompt, of a file that has none. */
  readonly label?: Label | undefined;
}

/** What is asked of whom. */
export interface Question {
  readonly model: AskedModel;
  readonly files: readonly AskedFile[];
  /** Maximum number of prompts of each file, drawn by the seed. */
  readonly limit?: number | undefined;
  /** Whether refusal probabilities alone are wanted. */
  readonly scoreOnly: boolean;
}

/**
 * The recipe of a run without stages, which evaluates a model as it is on prompt files.
 *
 * @param folder of the recipe, against which its paths are resolved
 */
export function askedRecipe({ model, files, limit, scoreOnly }: Question, folder: string): RecipeInput {
  const stems = files.map(({ file }) => {
    const name = basename(file.replace(/^starter:/, "starter-"));
    return name.slice(0, name.length - extname(name).length);
  });
  const others = files.length > 1 ? `-and-${files.length - 1}-more` : "";
  const what = scoreOnly ? "score" : "evaluate";
  const { template, chat } = model.asked ?? {};
  return {
    name: asFileName(`${what}-${model.name}-${stems[0]}${others}`, "evaluation"),
    model: model.adapters.length === 0 ? model.base : { base: model.base, adapters: [...model.adapters] },
    ...(template !== undefined && template !== "auto" && { template }),
    ...(chat !== undefined && JSON.stringify(chat) !== JSON.stringify(chatSchema.parse({})) && { chat }),
    stages: [],
    evaluate: {
      before: false,
      suites: suiteNames(stems).map((name, i) => ({ name, source: sourceOf(files[i]!, limit, folder) })),
      ...(scoreOnly && { scoreOnly: true as const }),
    },
  };
}

function sourceOf(
  { file, split, column, label }: AskedFile,
  limit: number | undefined,
  folder: string,
): SourceInput {
  return {
    file: isAbsolute(file) ? relative(folder, file).split(sep).join("/") : file,
    ...(split !== undefined && { split }),
    ...(column !== undefined && { columns: { prompt: column } }),
    ...(label !== undefined && { label }),
    ...(limit !== undefined && { limit }),
  };
}

/** Names of suites after their files; of several files of one name, a number tells them apart. */
function suiteNames(stems: readonly string[]): string[] {
  const used = new Set([POOLED]);
  return stems.map((stem) => {
    const name = asFileName(stem, "prompts");
    let unique = name;
    for (let n = 2; used.has(unique.toLowerCase()); n++) unique = `${name}-${n}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}

/** The same with every default stated, for estimates. */
export function completeRecipe(recipe: RecipeInput) {
  return recipeSchema.parse(recipe);
}

/** Seconds, and prompts, beyond which it is asked how many prompts are to be evaluated. */
const LONG = 60;
const MANY = 2000;

/** How many prompts may be drawn instead of all. */
const SAMPLES = [100, 300, 1000, 3000] as const;

/** A number of prompts that can be chosen; `limit` is absent for all. */
export interface Amount {
  readonly limit?: number;
  readonly title: string;
  readonly seconds: number | null;
}

/** How many different prompts of a file can be evaluated: those with a label, or all where none has one and one is given to all. */
export interface Labelled {
  readonly prompts: number;
  readonly labelled: number;
}

/** How many prompts of a file a model is asked. */
export function askedPrompts({ prompts, labelled }: Labelled): number {
  return labelled === 0 ? prompts : labelled;
}

/**
 * The numbers of prompts that are offered, with what each costs; empty where nothing needs to be asked, since all take less than a minute
 * and are not many.
 *
 * @param counts prompts of each file. @param seconds of all prompts together; null where that is not known
 */
export function amounts(counts: readonly number[], seconds: number | null): Amount[] {
  const all = sumOf(counts);
  if (all <= MANY && (seconds === null || seconds <= LONG)) return [];
  const words = (part: number | null) => (part === null ? "" : `, about ${duration(part)}`);
  const largest = counts.reduce((most, count) => Math.max(most, count), 0);
  const samples = SAMPLES.filter((limit) => limit < largest).map((limit): Amount => {
    const prompts = sumOf(counts.map((count) => Math.min(count, limit)));
    const part = seconds === null ? null : (seconds * prompts) / all;
    const which =
      counts.length === 1 ? `${limit} of ${all}` : `Up to ${limit} of each file, ${prompts} of ${all}`;
    return { limit, seconds: part, title: `${which} prompts, drawn at random${words(part)}` };
  });
  return [...samples, { seconds, title: `All ${all} prompts${words(seconds)}` }];
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** What is said of prompts that are left out for want of a label; null where there are none. */
export function leftOutWords(files: readonly Labelled[]): string | null {
  const partly = files.filter(({ labelled }) => labelled > 0);
  const left = sumOf(partly.map(({ prompts, labelled }) => prompts - labelled));
  if (left === 0) return null;
  return `${left} of ${sumOf(partly.map(({ prompts }) => prompts))} prompts have no label and are left out: whether they should be refused is not known.`;
}
