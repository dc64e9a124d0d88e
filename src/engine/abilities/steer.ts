import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { openingTexts } from "../../protocol/openings.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { SteeringRecord } from "../../protocol/steeringRecord.ts";
import { shapeProblems } from "../../recipe/modelFit.ts";
import { refuseErrors } from "../../recipe/problem.ts";
import { readRecipePrompts } from "../../recipe/prompts.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { makeFolders } from "../../storage/folders.ts";
import { fitSteering } from "../run/steering.ts";
import { type AskOptions, cutOffBy, type Following, openAdapted } from "./ask.ts";

/**
 * Fits the inference-time method of a recipe alone, on the model that the recipe begins with, and writes its file. What the run would
 * evaluate is not read.
 *
 * @param root folder against which the recipe's paths are resolved.
 * @param into `….json`; its tensors lie beside it.
 * @throws DiscernError `recipe-invalid` for a recipe without a method, or with stages, which train first; `run-invalid` where the file
 *   exists; as `openAdapted`, `readRecipePrompts` and `fitSteering`.
 */
export async function steerAlone(
  recipe: Recipe,
  root: string,
  into: string,
  { onProgress, signal, ...told }: Following & Pick<AskOptions, "onWarning" | "onDevice"> = {},
): Promise<SteeringRecord> {
  const { steering } = recipe;
  if (steering === undefined) {
    throw new DiscernError(
      "recipe-invalid",
      `The recipe ${recipe.name} has no "steering". Name a method, such as { "type": "surgical" }.`,
    );
  }
  if (recipe.stages.length > 0) {
    throw new DiscernError(
      "recipe-invalid",
      `The recipe ${recipe.name} trains first. Run it, which fits the method on the trained model; or fit the method on a finished run by ` +
        '"model": {"base": …, "adapters": ["RUN"]} and "stages": [].',
    );
  }
  const exists = await stat(into).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new DiscernError(
      "run-invalid",
      `${into} exists; a fitted method is never overwritten. Choose another file with --out.`,
    );
  }
  const { prompts, problems } = await readRecipePrompts(
    { ...recipe, evaluate: { ...recipe.evaluate, suites: [] } },
    { root },
    signal,
  );
  refuseErrors(problems);
  for (const { message } of problems) told.onWarning?.(message);
  try {
    await makeFolders(dirname(into));
  } catch (error) {
    throw writeFailure(error, into);
  }
  const { model, device, backend, memory, torch, threads, template, chat } = recipe;
  await using session = await openAdapted({
    ...{
      model: model.base,
      adapters: model.adapters,
      device,
      backend,
      memory,
      torch,
      threads,
      template,
      chat,
      root,
    },
    ...told,
    onShape: (shape) => refuseErrors(shapeProblems(recipe, shape)),
  });
  return cutOffBy(signal, session, () =>
    fitSteering(session, into, {
      ...{
        steering,
        seed: recipe.seed,
        openings: openingTexts(recipe.probes.openings),
        prompts: prompts.steering,
      },
      ...(onProgress && { onProgress }),
    }),
  );
}
