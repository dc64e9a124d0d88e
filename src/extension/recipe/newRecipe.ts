import { asFileName } from "../../protocol/fileName.ts";
import type { RecipeInput } from "../../protocol/recipe.ts";
import type { SourceInput } from "../../protocol/source.ts";
import { type FileUse, monitoredLimit, sourceOf, type UsedFile } from "./fileUses.ts";

/**
 * A recipe for a model and prompt files, DCR before safety tuning. Each file is used for what was decided; for what no file gives, the starter
 * set stands in.
 */
export function newRecipe(
  name: string,
  model: RecipeInput["model"],
  files: readonly UsedFile[],
): RecipeInput {
  const sources = (use: FileUse) => filesFor(files, use).map((used) => sourceOf(used, use).source);
  const [general, safety] = [sources("general"), sources("safety")];
  const contrast = [...sources("contrast"), ...missingSides(files)];
  const data: RecipeInput["data"] = {
    ...(contrast.length > 0 && { contrast }),
    ...(general.length > 0 && { general }),
    ...(safety.length > 0 && { safety }),
    panels: panels(files),
  };
  const tested = filesFor(files, "suite");
  const names = suiteNames(tested.map(({ file }) => file.path));
  return {
    name,
    model,
    data,
    stages: [
      {
        type: "contrastive",
        loss: { type: "circle", gamma: 16 },
        retention: { batch: 4 },
        optimiser: { learningRate: 1e-3 },
        steps: 80,
      },
      { type: "supervised", optimiser: { learningRate: 4e-4 }, steps: 120 },
    ],
    ...(tested.length > 0 && {
      evaluate: {
        suites: tested.map((used, i) => ({ name: names[i]!, source: sourceOf(used, "suite").source })),
      },
    }),
  };
}

function filesFor(files: readonly UsedFile[], use: FileUse): UsedFile[] {
  return files.filter((used) => used.uses.includes(use) && sourceOf(used, use).records.length > 0);
}

const sides = ["toxic", "seemingly_toxic"] as const;
type Side = (typeof sides)[number];
const groups = [...sides, "general"] as const;
const groupNames = { toxic: "toxic", seemingly_toxic: "seemingly toxic", general: "general" };

function has(used: UsedFile, use: FileUse, side: string): boolean {
  return sourceOf(used, use).records.some(({ label }) => label === side);
}

/** The sides of the contrast that its files lack, from the starter set: a contrast of one label separates nothing. */
function missingSides(files: readonly UsedFile[]): SourceInput[] {
  const own = filesFor(files, "contrast");
  if (own.length === 0) return [];
  return lacking(files).map((side) => ({ file: "starter:pairs.csv", split: "train", labels: [side] }));
}

function lacking(files: readonly UsedFile[]): Side[] {
  const own = filesFor(files, "contrast");
  return sides.filter((side) => !own.some((used) => has(used, "contrast", side)));
}

/**
 * Monitored prompts are never trained on: they come from what a file holds out for it, or from the starter set, whose prompts are not in
 * the person's files. Several files share the number that are monitored, so that a probe costs no more.
 */
function panels(files: readonly UsedFile[]) {
  const panel = (label: Side | "general", starter: SourceInput) => {
    const offered = offering(files, label);
    if (offered.length === 0) return { ...starter, limit: monitoredLimit };
    const limit = Math.max(1, Math.floor(monitoredLimit / offered.length));
    const sources = offered.map((used) => {
      const { source } = sourceOf(used, "monitored");
      // A label that the source gives to every prompt needs no choice among them.
      return { ...source, ...(source.label === undefined && { labels: [label] }), limit };
    });
    return sources.length === 1 ? sources[0]! : sources;
  };
  const pairs = { file: "starter:pairs.csv", split: "panel" };
  return {
    toxic: panel("toxic", { ...pairs, labels: ["toxic"] }),
    seeminglyToxic: panel("seemingly_toxic", { ...pairs, labels: ["seemingly_toxic"] }),
    general: panel("general", { file: "starter:general.jsonl", split: "panel" }),
  };
}

/** The files that hold out monitored prompts of a label. */
function offering(files: readonly UsedFile[], label: Side | "general"): UsedFile[] {
  return filesFor(files, "monitored").filter((used) => has(used, "monitored", label));
}

/** What the starter set stands in for, in words; empty where the files give everything. */
export function standIns(files: readonly UsedFile[]): string[] {
  const stage = filesFor(files, "contrast");
  const unwatched = groups.filter((label) => offering(files, label).length === 0);
  return [
    ...(stage.length === 0
      ? ["contrastive stage"]
      : lacking(files).map((side) => `${groupNames[side]} prompts of the contrastive stage`)),
    ...(filesFor(files, "safety").length === 0 ? ["safety tuning"] : []),
    ...(filesFor(files, "general").length === 0 ? ["general answers"] : []),
    ...(unwatched.length === 3
      ? ["monitored prompts"]
      : unwatched.map((label) => `${groupNames[label]} monitored prompts`)),
    ...(filesFor(files, "suite").length === 0 ? ["suite"] : []),
  ];
}

/** Names of the suites of files, which differ also where the files are called alike. */
export function suiteNames(paths: readonly string[], ...taken: readonly string[]): string[] {
  const used = new Set(taken);
  return paths.map((path) => {
    const base = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
    const name = asFileName(`${base.slice(0, 80) || "suite"}-test`, "suite");
    let unique = name;
    for (let n = 2; used.has(unique.toLowerCase()); n++) unique = `${name}-${n}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}
