import { DiscernError, type ErrorCode } from "../protocol/errors.ts";
import { pathText } from "./jsonFile.ts";

/** A key of a recipe, from its top. */
export type RecipePath = readonly PropertyKey[];

/**
 * Something about a recipe, at its key: an error would end a run, a warning changes or weakens what it shows, and information is of what
 * the recipe asks for and can be had otherwise.
 */
export interface RecipeProblem {
  readonly severity: "error" | "warning" | "information";
  /** Null where the text is not JSON. */
  readonly path: RecipePath | null;
  /** Whole sentences: what is wrong, and how to fix it. */
  readonly message: string;
  /** What it is about, for quick fixes. */
  readonly about: ErrorCode | "contaminated" | "data";
  /** The prompt file at fault, as the recipe names it. */
  readonly file?: string;
  /** Id, or suite file, of the published suite or data that is missing and can be fetched. */
  readonly fetch?: string;
}

/** A problem with its key before it, for where the key is not seen. */
export function problemText({ path, message }: Pick<RecipeProblem, "path" | "message">): string {
  if (path === null) return message;
  return `${path.length === 0 ? "the recipe" : pathText(path)}: ${message}`;
}

/**
 * Ends what was to be done with a recipe that has errors.
 *
 * @throws DiscernError with one line per error, and the code of the first.
 */
export function refuseErrors(problems: readonly RecipeProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  const code = first.about === "data" || first.about === "contaminated" ? "recipe-invalid" : first.about;
  throw new DiscernError(code, errors.map(problemText).join("\n"));
}
