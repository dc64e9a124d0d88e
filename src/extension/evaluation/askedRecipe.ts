import { relative, sep } from "node:path";
import { asFileName } from "../../protocol/fileName.ts";
import type { Label } from "../../protocol/label.ts";
import { type RecipeInput, recipeSchema } from "../../protocol/recipe.ts";
import { duration } from "../../wording/numbers.ts";

/** A model as recipes name it, and as people do. */
export interface AskedModel {
  readonly name: string;
  readonly base: string;
  readonly adapters: readonly string[];
}

/** What a model is asked: the prompts of one file. */
export interface AskedFile {
  readonly model: AskedModel;
  /** Absolute path of the prompt file. */
  readonly file: string;
  /** Column of the prompts, where a person chose one. */
  readonly column?: string | undefined;
  /** Label of every prompt, of a file that has none. */
  readonly label?: Label | undefined;
  /** Maximum number of prompts, drawn by the seed. */
  readonly limit?: number | undefined;
  /** Whether refusal probabilities alone are wanted. */
  readonly scoreOnly: boolean;
}

/**
 * The recipe of a run without stages, which evaluates a model as it is on a prompt file.
 *
 * @param folder of the recipe, against which its paths are resolved
 */
export function askedRecipe(
  { model, file, column, label, limit, scoreOnly }: AskedFile,
  folder: string,
): RecipeInput {
  const path = relative(folder, file).split(sep).join("/");
  const stem = (path.split("/").at(-1) ?? path).replace(/\.[^.]*$/, "");
  const name = asFileName(`${scoreOnly ? "score" : "evaluate"}-${model.name}-${stem}`, "evaluation");
  return {
    name,
    model: model.adapters.length === 0 ? model.base : { base: model.base, adapters: [...model.adapters] },
    stages: [],
    evaluate: {
      before: false,
      suites: [
        {
          name: asFileName(stem, "prompts"),
          source: {
            file: path,
            ...(column !== undefined && { columns: { prompt: column } }),
            ...(label !== undefined && { label }),
            ...(limit !== undefined && { limit }),
          },
        },
      ],
      ...(scoreOnly && { scoreOnly: true as const }),
    },
  };
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

/**
 * The numbers of prompts that are offered, with what each costs; empty where nothing needs to be asked, since all take less than a minute
 * and are not many.
 *
 * @param seconds of all prompts together; null where that is not known
 */
export function amounts(prompts: number, seconds: number | null): Amount[] {
  if (prompts <= MANY && (seconds === null || seconds <= LONG)) return [];
  const words = (part: number | null) => (part === null ? "" : `, about ${duration(part)}`);
  const samples = SAMPLES.filter((limit) => limit < prompts).map((limit): Amount => {
    const part = seconds === null ? null : (seconds * limit) / prompts;
    return { limit, seconds: part, title: `${limit} of ${prompts} prompts, drawn at random${words(part)}` };
  });
  return [...samples, { seconds, title: `All ${prompts} prompts${words(seconds)}` }];
}

/** How many different prompts of a file can be evaluated: those with a label, or all where none has one and one is given to all. */
export interface Labelled {
  readonly prompts: number;
  readonly labelled: number;
}

/** What is said of prompts that are left out for want of a label; null where there are none. */
export function leftOutWords({ prompts, labelled }: Labelled): string | null {
  const left = prompts - labelled;
  if (left === 0 || labelled === 0) return null;
  return `${left} of ${prompts} prompts have no label and are left out: whether they should be refused is not known.`;
}
