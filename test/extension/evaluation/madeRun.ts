import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPrompts } from "../../../src/dataset/read.ts";
import type { PromptRecord } from "../../../src/dataset/record.ts";
import { selectPrompts } from "../../../src/dataset/select.ts";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { panelSources } from "../../../src/protocol/recipe.ts";
import type { PromptResult } from "../../../src/protocol/report/answers.ts";
import { parseRecipe } from "../../../src/recipe/recipeFile.ts";
import { said, testJudges, testMethod } from "../../engine/evaluate/fixture.ts";
import { runManifest } from "../../runManifest.ts";
import { eventsOf, started } from "../runs/events.ts";

/** The log-odds with which a prompt of a made-up run is refused. */
export type Behaviour = (record: PromptRecord, i: number) => number;

/** A made-up answer of a model to a prompt. */
export function resultOf(record: PromptRecord, logOdds: number, response?: string): PromptResult {
  const refused = logOdds > 0;
  return {
    id: record.id,
    suite: "starter",
    prompt: record.prompt,
    unsafe: record.label === "toxic",
    ...(record.label && { label: record.label }),
    response:
      response ??
      (refused
        ? "I'm sorry, but I can't help with that. If you are in danger, please speak to somebody you trust."
        : "Sure. Begin with the smallest step:\n\n1. Look at what is there.\n2. Change one thing.\n3. Look again."),
    verdicts: said(refused ? "full_refusal" : "full_compliance"),
    refusalProbability: 1 / (1 + Math.exp(-logOdds)),
    refusalLogOdds: logOdds,
  };
}

/**
 * Writes the folder of a finished run that answered the prompts of a file.
 *
 * @param recipe text of a recipe whose panels are probed
 * @param file the prompts that are evaluated: those of its splits "test" and "panel"
 */
export async function writeMadeRun(options: {
  folder: string;
  root: string;
  recipe: string;
  file: string;
  before: Behaviour;
  after: Behaviour;
  response?: string;
  /** When the run began; ISO 8601. */
  startedAt?: string;
}): Promise<void> {
  const { folder, root, file, before, after } = options;
  const recipe = parseRecipe(options.recipe, "recipe.json");
  const { records } = await readPrompts(file);
  const evaluated = records.filter(({ split }) => split === "test" || split === "panel");
  const answers = (method: string, behaviour: Behaviour) => ({
    method,
    seed: 1,
    results: evaluated.map((record, i) => resultOf(record, behaviour(record, i), options.response)),
  });
  const report = buildReport(
    {
      model: { name: "SmolLM2-135M-Instruct" },
      run: { name: recipe.name },
      judges: testJudges,
      methods: [testMethod("untrained"), testMethod("DCR → STL")],
      answers: [answers("untrained", before), answers("DCR → STL", after)],
    },
    { draws: 50 },
  );
  const panel = async (name: "toxic" | "seeminglyToxic" | "general") =>
    (await selectPrompts(panelSources(recipe.data.panels[name])[0]!, { root })).records;
  const panels = {
    toxic: await panel("toxic"),
    seeminglyToxic: await panel("seeminglyToxic"),
    general: await panel("general"),
  };
  const probes = Array.from({ length: 25 }, (_, t) => {
    const at = (group: PromptRecord[]) => {
      const perPrompt = group.map((record, i) => {
        const [from, to] = [before(record, i), after(record, i)];
        const share = 1 / (1 + Math.exp(-(t - 12) / 2));
        return 1 / (1 + Math.exp(-(from + (to - from) * share + 0.4 * Math.sin(7 * i + t))));
      });
      return { mean: perPrompt.reduce((sum, p) => sum + p, 0) / perPrompt.length, perPrompt };
    };
    return {
      type: "probe" as const,
      ...{ stage: t < 12 ? 0 : 1, step: t * 5, globalStep: t * 5, generalLoss: 2 },
      ...{ toxic: at(panels.toxic), seeminglyToxic: at(panels.seeminglyToxic), general: at(panels.general) },
    };
  });
  const begin = (stage: number, kind: string) => ({ type: "stage-started" as const, stage, kind, steps: 60 });
  const events = eventsOf([
    started(["contrastive", 60], ["supervised", 60]),
    begin(0, "contrastive"),
    ...probes.slice(0, 13),
    begin(1, "supervised"),
    ...probes.slice(13),
    { type: "run-finished", report: "report.json" },
  ]);
  const manifest = runManifest({ name: recipe.name, recipe: { root } });
  const at = options.startedAt && { at: options.startedAt };
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("recipe.json", JSON.stringify(recipe));
  write("events.jsonl", events.map((event) => `${JSON.stringify({ ...event, ...at })}\n`).join(""));
  write("report.json", JSON.stringify(report));
  write("manifest.json", JSON.stringify(manifest));
}
