/** What is wrong with a suite file, at its keys: the file itself, and those of its prompt files that are on this machine. */
import { dirname } from "node:path";
import { readChoices } from "../dataset/choices.ts";
import { selectPart } from "../dataset/parts.ts";
import { DiscernError } from "../protocol/errors.ts";
import { suiteFolders } from "../suites/home.ts";
import { type FoundSuite, isFetchable, locateSuite } from "../suites/locate.ts";
import type { CheckedRecipe } from "./check.ts";
import { readJsonFile } from "./jsonFile.ts";
import type { RecipeProblem } from "./problem.ts";
import { suiteFileKind } from "./suiteFile.ts";

/**
 * Checks the text of a suite file, saved or not.
 *
 * @param path of the file, beside which its own prompt files lie.
 * @returns its problems; a suite file has no recipe.
 */
export async function checkSuiteText(text: string, path: string): Promise<CheckedRecipe> {
  const { value, faults, place } = readJsonFile(text, suiteFileKind);
  if (value === null) {
    const problems = faults.map(
      (fault) => ({ severity: "error", about: "recipe-invalid", ...fault }) as const,
    );
    return { recipe: null, problems, counts: {} };
  }
  const found = await fileProblems({ declaration: value, folder: dirname(path) }, path);
  const problems = found
    .map((problem) => ({ ...problem, ...place(problem.path ?? []) }))
    .sort((a, b) => a.offset - b.offset);
  return { recipe: null, problems, counts: {} };
}

async function fileProblems(suite: FoundSuite, path: string): Promise<RecipeProblem[]> {
  const { declaration } = suite;
  const { files, missing } = await locateSuite(suite, suiteFolders());
  const pathOf = (name: string) => ["files", declaration.files.findIndex(({ file }) => file === name)];
  const problems = missing.map(({ file, from }): RecipeProblem => {
    const message =
      from === undefined
        ? `There is no file ${file} beside the suite file, and "from" does not say where to fetch it.`
        : `${file} is not on this machine. Fetch it with \`discern suites fetch\` and this file.`;
    return {
      severity: from === undefined ? "error" : "warning",
      path: [...pathOf(file), "file"],
      about: "file-missing",
      message,
      ...(isFetchable(declaration) && { fetch: path }),
    };
  });
  for (const { file, path } of files) {
    try {
      const { notices } =
        declaration.task === "choice"
          ? await readChoices(path, declaration.choice).then(() => ({ notices: [] }))
          : await selectPart("suite", { file: path, ...file.read }, { labelBytes: () => 0, layouts: false });
      for (const message of notices) {
        problems.push({ severity: "warning", path: pathOf(file.file), about: "data", message });
      }
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      problems.push({
        severity: "error",
        path: pathOf(file.file),
        about: error.code,
        message: error.message,
      });
    }
  }
  return problems;
}
