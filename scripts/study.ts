/**
 * `npm run study`: the default recipe against safety tuning alone over several seeds, on the starter set's test split
 * and on published suites that nothing is trained or chosen on. Goes on where it was interrupted; one report at the
 * end.
 */
import { join, resolve } from "node:path";
import { Command } from "commander";
import { execa } from "execa";
import type { SourceInput } from "../src/protocol/source.ts";

const root = join(import.meta.dirname, "..");
const flags = new Command("study")
  .option("--seeds <list>", "seeds, one run of each arm a seed", "0,1,2")
  .option("--model <model>", "model folder, GGUF file, or name of a pulled model", "smollm2-135m")
  .option("--data <folder>", "folder with the published prompt files", join(root, "../shared/data"))
  .option("--out <folder>", "folder of the study", join(root, "runs/study"))
  .option("--set <key=value...>", "change a key of both recipes", [])
  .parse()
  .opts<{ seeds: string; model: string; data: string; out: string; set: string[] }>();

const published = (file: string, source: Omit<SourceInput, "file">) => ({
  file: resolve(flags.data, file),
  ...source,
});
const suites: { name: string; source: SourceInput }[] = [
  { name: "starter-test", source: { file: "starter:pairs.csv", split: "test" } },
  { name: "xstest", source: published("xstest_v2_prompts.csv", { format: "xstest", limit: 200 }) },
  { name: "oktest", source: published("oktest.csv", { format: "oktest", limit: 150 }) },
  { name: "malicious", source: published("I-MaliciousInstructions.json", { format: "stl", label: "toxic" }) },
];

const discern = (...args: string[]) =>
  execa(process.execPath, [join(root, "dist/cli.js"), ...args], { cwd: root, stdio: "inherit" });

await discern("pull", flags.model);
const seeds = flags.seeds.split(",");
const folders: string[] = [];
for (const seed of seeds) {
  for (const arm of ["stl", "dcr"]) {
    const folder = join(resolve(flags.out), `${arm}-${seed}`);
    const changes = [
      `model=${flags.model}`,
      `seed=${seed}`,
      `evaluate.suites=${JSON.stringify(suites)}`,
      "evaluate.maxNewTokens=32",
      // The untrained model is the same for every seed and arm.
      `evaluate.before=${arm === "stl" && seed === seeds[0]}`,
      ...flags.set,
    ];
    const set = changes.flatMap((change) => ["--set", change]);
    await discern(
      "run",
      "preset:default",
      "--resume",
      ...(arm === "stl" ? ["--stl-alone"] : []),
      ...set,
      "--out",
      folder,
    );
    folders.push(folder);
  }
}
await discern("compare", ...folders, "--out", join(resolve(flags.out), "report"));
