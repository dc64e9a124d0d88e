/** Runs the recipe of a folder, or resumes it: `makingChild.ts ROOT`, as a process that a test may kill. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";

const root = process.argv[2]!;
const recipe = recipeSchema.parse(JSON.parse(await readFile(join(root, "recipe.json"), "utf8")));
await executeRun(recipe, root, true, { folder: join(root, "killed"), stop: new Stop() });
