import { onnxDeviceNames } from "../../protocol/device.ts";
import { recipeSchema } from "../../protocol/recipe.ts";
import { availableMemory } from "../../recipe/availableMemory.ts";
import { memoryPlans, planText, usableShare } from "../../recipe/memoryPlan.ts";
import { recipePasses } from "../../recipe/recipeMemory.ts";
import { torchWays } from "../../recipe/torchWays.ts";
import { weightPlans } from "../backend/weightPlan.ts";
import { formBytes, formOf } from "../model/forms.ts";
import { bytesOf, type ModelSummary } from "../model/load.ts";
import { openModel } from "../model/source.ts";

/**
 * What each way of holding a model takes in memory for a usual step of training, by onnx and by PyTorch, and whether it fits now; and how its
 * weights lie and are multiplied on each device of onnx where they stay as they are stored.
 */
export async function inspectPlans(summary: ModelSummary) {
  const weights = await (await openModel(summary.path)).weights();
  const held = bytesOf(weights, ({ type, shape }) =>
    formBytes(formOf(type, shape, "stored", { device: "cpu", float16: true }), shape),
  );
  const model = { ...summary, held, linears: [...summary.linears] };
  const recipe = recipeSchema.parse({
    name: "plan",
    model: summary.name,
    stages: [{ type: "supervised", steps: 1 }],
  });
  const { bytes: available } = await availableMemory();
  const passes = recipePasses(recipe, model);
  const ways = memoryPlans(model, passes).map((plan) => ({
    ...plan,
    memory: plan.mode,
    fits: plan.peakBytes <= usableShare * available,
    text: planText(model, plan),
  }));
  const stored = Object.fromEntries(onnxDeviceNames.map((name) => [name, weightPlans(weights, name)]));
  return { available, ways, torch: torchWays(model, passes, available), weights: stored };
}
