/**
 * `npm run study`: the default recipe against safety tuning alone and the untrained model over several seeds, on the starter
 * set's test split and on published suites that nothing is trained or chosen on. It describes a comparison, which the
 * runner of comparisons carries out: each run is a process of its own, `--jobs` at a time; what is interrupted or fails is
 * resumed by the same command, and one report comes at the end. The published files are not shipped: `--data` or
 * `DISCERN_DATA` names their folder (docs/formats.md, "Published files"), and nothing is fetched or trained before all of
 * them are found.
 */
import { basename, join, resolve } from "node:path";
import { Command, Option } from "commander";
import { namesOf } from "../src/engine/commands/comparison.ts";
import { positiveInteger, seedsOf } from "../src/engine/commands/shell.ts";
import type { ComparisonInput } from "../src/protocol/comparison.ts";
import { DiscernError } from "../src/protocol/errors.ts";
import type { Recipe } from "../src/protocol/recipe.ts";
import type { SourceInput } from "../src/protocol/source.ts";
import { isOwnSuite } from "../src/protocol/suite.ts";
import { loadRecipe } from "../src/recipe/loadRecipe.ts";
import { publishedFile, publishedSource } from "../src/suites/published.ts";
import { compareInScript, fail } from "./compareInScript.ts";

const flags = new Command("study")
  .option("--seeds <list>", "seeds, one run of each method per seed", seedsOf, [0, 1, 2])
  .option("--model <model>", "model folder, GGUF file, or name of a pulled model", "smollm2-135m")
  .addOption(new Option("--data <folder>", "folder with the published prompt files").env("DISCERN_DATA"))
  .option("--out <folder>", "folder of the study", join(import.meta.dirname, "../runs/study"))
  .option("--set <key=value...>", "change a key of every recipe", [])
  .option("--jobs <n>", "runs at a time", positiveInteger, 1)
  .option("--only <runs>", "these runs alone, such as dcr-stl-0,stl-2; the others may run elsewhere", namesOf)
  .parse()
  .opts<{
    seeds: number[];
    model: string;
    data?: string;
    out: string;
    set: string[];
    jobs: number;
    only?: string[];
  }>();

const published = (file: string, source: Omit<SourceInput, "file">) => ({
  file: resolve(flags.data ?? ".", file),
  ...source,
});
const suites = [
  { name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } },
  { name: "xstest", source: published("xstest_v2_prompts.csv", { format: "xstest", limit: 200 }) },
  { name: "oktest", source: published("oktest.csv", { format: "oktest", limit: 150 }) },
  { name: "malicious", source: published("I-MaliciousInstructions.json", { format: "stl", label: "toxic" }) },
] satisfies { name: string; source: SourceInput }[];

/** Its methods are those of a comparison that names none: the untrained model, STL and DCR → STL. */
const study: ComparisonInput = {
  name: "study",
  recipe: "preset:default",
  seeds: flags.seeds,
  set: { "evaluate.suites": suites, "evaluate.maxNewTokens": 32 },
};

if (flags.data === undefined) await requireNoPublishedSuite().catch(fail);
await compareInScript(study, { ...flags, out: resolve(flags.out) });

/** @throws DiscernError that lists the published files of the suites, where no folder of such files is named. */
async function requireNoPublishedSuite(): Promise<void> {
  const set = [`model=${flags.model}`, `evaluate.suites=${JSON.stringify(suites)}`, ...flags.set];
  const { recipe } = await loadRecipe("preset:default", { set, stlAlone: false });
  const files = publishedFiles(recipe);
  if (files.length === 0) return;
  const list = files.map((known) => `- ${known.file.file}, from ${publishedSource(known)}`).join("\n");
  throw new DiscernError(
    "file-missing",
    `Name the folder of the published prompt files with --data FOLDER or DISCERN_DATA. It must hold:\n${list}`,
  );
}

function publishedFiles({ evaluate }: Recipe) {
  return evaluate.suites
    .filter(isOwnSuite)
    .flatMap(({ source }) => publishedFile(basename(source.file)) ?? []);
}
