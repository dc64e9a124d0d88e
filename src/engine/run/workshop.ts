import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { PanelRefusal } from "../../protocol/events.ts";
import type { LayerChoice } from "../../protocol/layerChoice.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { ContrastiveRecipe, StageRecipe } from "../../protocol/recipeStages.ts";
import { timeline } from "../../protocol/timeline.ts";
import { stageProblems } from "../../recipe/checkPrompts.ts";
import { shapeProblems } from "../../recipe/modelFit.ts";
import { problemText, refuseErrors } from "../../recipe/problem.ts";
import { stageSteps } from "../../recipe/stageSteps.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { makePart, runPaths } from "../../runFolder/folder.ts";
import type { Learned } from "../backend/backend.ts";
import { checkSuites } from "../evaluate/answers.ts";
import { judgesOf } from "../evaluate/judges/judges.ts";
import { panelMeasures } from "../evaluate/measures/scored.ts";
import { type Adapter, concatAdapters, writeAdapter } from "../model/adapter.ts";
import { answerLoss, encodeExamples } from "../probe/answerLoss.ts";
import { separation } from "../probe/features.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { type ContrastSource, chooseContrastLayer } from "../probe/separability.ts";
import { ContrastiveObjective } from "../train/contrastive.ts";
import type { ContrastPrompt } from "../train/contrastSampler.ts";
import type { Objective } from "../train/objective.ts";
import type { StageResult } from "../train/stage.ts";
import { learnedOf } from "../train/stageResult.ts";
import { SupervisedObjective } from "../train/supervised.ts";
import { TrainingStage } from "../train/trainingStage.ts";
import { evaluateBeforeTraining, evaluateRun } from "./evaluation.ts";
import type { OpenStage, ProbeFigures } from "./openStage.ts";
import type { Workshop } from "./pipeline.ts";
import type { RunPrompts } from "./prompts.ts";
import type { Session } from "./session.ts";
import { type StopToken, throwIfStopped } from "./stop.ts";

/** The workshop of a real model: what a recipe's stages, probes and evaluation do to it. */
export async function modelWorkshop(
  folder: string,
  recipe: Recipe,
  manifest: Manifest,
  session: Session,
  prompts: RunPrompts,
): Promise<Workshop> {
  const { backend, encoder, loaded } = session;
  const ids = (records: readonly PromptRecord[]) => encoder.prompts(records.map(({ prompt }) => prompt));
  const { contextLength } = loaded.architecture;
  const fit = { limit: Math.min(recipe.maxTokens, contextLength), tooLong: recipe.tooLong };
  const fitted = {
    general: await encodeExamples(encoder, prompts.general, fit),
    safety: await encodeExamples(encoder, prompts.safety, fit),
    // What is measured is not learned: a cut answer lacks nothing there.
    panel: await encodeExamples(encoder, prompts.panels.general, { ...fit, tooLong: "cut" }),
  };
  const general = fitted.general.examples;
  const safety = fitted.safety.examples;
  const contrastRows = await ids(prompts.contrast);
  const short = contrastRows.map((row) => row.length <= fit.limit);
  const contrast = contrastPrompts(
    prompts.contrast.filter((_, i) => short[i]),
    contrastRows.filter((_, i) => short[i]),
  );
  const panels = {
    toxic: await ids(prompts.panels.toxic),
    seeminglyToxic: await ids(prompts.panels.seeminglyToxic),
    general: await ids(prompts.panels.general),
    answers: fitted.panel.examples,
  };
  const scorer = await RefusalScorer.create(backend, encoder, recipe.probes.openings);
  const fits = (row: readonly number[]) => row.length + scorer.depth <= contextLength;
  const tooLong = lengthWarnings();
  // Once more, with what is left of the prompts: what would otherwise end a stage hours later is found now.
  refuseErrors(stageProblems(recipe, { contrast, general: general.length, safety: safety.length }));
  judgesOf(recipe.evaluate.judges);
  await checkSuites(backend, encoder, prompts.suites, scorer);
  const misfits = shapeProblems(recipe, loaded.shape).map(problemText);
  const adapters: Adapter[] = [];
  let whole = false;
  // A run that is resumed finds the layers that were chosen in its log.
  const begun = timeline(readEvents(runPaths(folder).events)).stages;
  let contrastLayer = begun.findLast(({ layer }) => layer)?.layer;

  /** What of the data does not fit, and what becomes of it. @throws DiscernError `prompt-too-long` where nothing is left. */
  function lengthWarnings(): string[] {
    const found: string[] = [];
    const leftOut = (name: string, all: number, left: readonly string[]) => {
      if (left.length === 0) return;
      if (left.length === all) {
        throw new DiscernError(
          "prompt-too-long",
          `All ${all} prompts of ${name} are too long for maxTokens (${fit.limit}) and would be left out. Raise maxTokens, up to the ` +
            `model's context of ${contextLength}.`,
        );
      }
      found.push(
        `${left.length} of the ${all} prompts of ${name} are too long for maxTokens (${fit.limit}) and are left out of ` +
          `training. The first: ${left[0]}.`,
      );
    };
    for (const name of ["general", "safety"] as const) {
      const { cut, leftOut: left, examples } = fitted[name];
      leftOut(`data.${name}`, prompts[name].length, left);
      if (cut > 0) {
        found.push(
          `${cut} of the ${examples.length} answers of data.${name} are longer than maxTokens (${fit.limit}) allows and are cut ` +
            'off: they have no end to learn. Raise maxTokens, or leave them out with tooLong "leave-out".',
        );
      }
    }
    leftOut(
      "data.contrast",
      prompts.contrast.length,
      prompts.contrast.flatMap(({ source, line }, i) => (short[i] ? [] : `${source}, line ${line}`)),
    );
    const watched = ["toxic", "seeminglyToxic", "general"] as const;
    const unseen = watched.reduce((sum, name) => sum + panels[name].filter((row) => !fits(row)).length, 0);
    if (unseen > 0) {
      found.push(
        `${unseen} prompts of the panels do not fit into the model's context of ${contextLength} tokens and are not probed.`,
      );
    }
    const { cut, leftOut: unmeasured } = fitted.panel;
    if (cut + unmeasured.length > 0) {
      found.push(
        `The held-out loss is measured on the first ${fit.limit} tokens (maxTokens) of each pair of data.panels.general: ${cut} ` +
          `answers are cut off, and ${unmeasured.length} pairs, whose prompts alone are as long, are left out.`,
      );
    }
    return found;
  }

  /** Does what a stop cuts off within one batch. @throws Stopped */
  const cut = <T>(stop: StopToken, work: () => Promise<T>): Promise<T> =>
    backend.interruptible(() => throwIfStopped(stop), work);

  const keep = ({ train }: StageRecipe, result: StageResult): Learned => {
    const learned = learnedOf(result, train.method === "lora" ? train.alpha : 1);
    if (learned.method === "full") whole = true;
    else adapters.push(learned.adapter);
    return learned;
  };

  const objectiveOf = async (
    stage: StageRecipe,
    index: number,
  ): Promise<{ objective: Objective; steps: number; layer?: number; choice?: LayerChoice }> => {
    const { seed } = recipe;
    if (stage.type === "supervised") {
      const objective = new SupervisedObjective(general, safety, { ...stage, seed });
      return { objective, steps: stageSteps(stage, general.length) };
    }
    const { layer, choice } = await layerOf(stage, index);
    const rows = general.map((example) => example.ids);
    const objective = await ContrastiveObjective.create(backend, contrast, rows, {
      ...stage,
      layer,
      seed,
    });
    return { objective, steps: stage.steps, layer, ...(choice && { choice }) };
  };

  const layerOf = async (
    { layer }: ContrastiveRecipe,
    index: number,
  ): Promise<{ layer: number; choice?: LayerChoice }> => {
    if (layer !== "auto") return { layer };
    const known = begun.find(({ stage }) => stage === index)?.layer;
    if (known !== undefined) return { layer: known };
    const choice = await chooseContrastLayer(backend, contrast, recipe.seed);
    return { layer: choice.layer, choice };
  };

  const open = async (index: number): Promise<OpenStage> => {
    const stage = recipe.stages[index]!;
    const { objective, steps, layer, choice } = await objectiveOf(stage, index);
    if (layer !== undefined) contrastLayer = layer;
    const { train, optimiser } = stage;
    const training = await TrainingStage.create(backend, objective, {
      steps,
      seed: recipe.seed,
      train,
      optimiser,
    });
    return {
      kind: stage.type,
      stage: {
        get totalSteps() {
          return training.totalSteps;
        },
        get step() {
          return training.step;
        },
        next: () => training.next(),
        finished: () => training.finished(),
        state: () => training.state(),
        restore: (state) => training.restore(state),
        async finish() {
          const result = await training.finish();
          keep(stage, result);
          return result;
        },
      },
      ...(layer === undefined ? {} : { layer }),
      ...(choice && { choice }),
    };
  };

  const probe = async (): Promise<ProbeFigures> => {
    const score = async (rows: readonly (readonly number[])[]): Promise<PanelRefusal> => {
      const scores = await scorer.score(rows.filter(fits));
      const scored = scores.map(({ probability }) => probability);
      const mean = scored.length === 0 ? null : scored.reduce((sum, p) => sum + p, 0) / scored.length;
      let next = 0;
      const perPrompt = rows.map((row) => (fits(row) ? scored[next++]! : null));
      const measures = panelMeasures(scores);
      return { mean, perPrompt, ...(measures.length > 0 && { measures }) };
    };
    const layers = recipe.probes.separationLayers ?? (contrastLayer === undefined ? [] : [contrastLayer]);
    return {
      toxic: await score(panels.toxic),
      seeminglyToxic: await score(panels.seeminglyToxic),
      general: await score(panels.general),
      generalLoss: panels.answers.length === 0 ? null : await answerLoss(backend, panels.answers),
      ...(layers.length ? { separation: await separations(layers) } : {}),
    };
  };

  const separations = async (layers: readonly number[]): Promise<Record<string, number>> => {
    const toxic = panels.toxic.filter(fits);
    const rows = [...toxic, ...panels.seeminglyToxic.filter(fits)];
    const labels = rows.map((_, i) => (i < toxic.length ? "toxic" : "seemingly_toxic"));
    const found = await backend.features(rows, { layers, pooling: "last" });
    return Object.fromEntries([...found].map(([layer, features]) => [layer, separation(features, labels)]));
  };

  return {
    started: {
      name: recipe.name,
      model: manifest.model.name,
      device: backend.device,
      ...(manifest.deviceChoice ? { deviceChoice: manifest.deviceChoice } : {}),
      seed: recipe.seed,
      hashes: Object.fromEntries([...manifest.model.files, ...manifest.data].map((f) => [f.file, f.sha256])),
      stages: recipe.stages.map((stage) => ({ type: stage.type, steps: stageSteps(stage, general.length) })),
      totalSteps: recipe.stages.reduce((sum, stage) => sum + stageSteps(stage, general.length), 0),
    },
    stageCount: recipe.stages.length,
    warnings: [...loaded.warnings, ...misfits, ...prompts.warnings, ...tooLong, ...session.template.warnings],
    async prepare(emit, stop) {
      await cut(stop, () => evaluateBeforeTraining({ folder, recipe, session, prompts, emit }));
    },
    open: (index, stop) => cut(stop, () => open(index)),
    async apply(index, result) {
      await backend.adopt(keep(recipe.stages[index]!, result));
    },
    probe: (stop) => cut(stop, probe),
    async conclude(emit, stop) {
      const { model } = runPaths(folder);
      if (whole || adapters.length > 0) await makePart(folder, model);
      if (whole) await backend.export(model, loaded);
      else if (adapters.length > 0)
        await writeAdapter(model, concatAdapters(adapters), { baseModel: loaded.path });
      return cut(stop, () => evaluateRun(manifest, { folder, recipe, session, prompts, emit }));
    },
  };
}

function contrastPrompts(
  records: RunPrompts["contrast"],
  ids: readonly number[][],
): (ContrastPrompt & ContrastSource)[] {
  return records.flatMap(({ label, kind, pair, prompt, origin }, i) =>
    label === "toxic" || label === "seemingly_toxic"
      ? [
          {
            ids: ids[i]!,
            label,
            prompt,
            origin,
            ...(kind === undefined ? {} : { kind }),
            ...(pair === undefined ? {} : { pair }),
          },
        ]
      : [],
  );
}
