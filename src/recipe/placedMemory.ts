import type { TorchOptions } from "../protocol/backend.ts";
import type { DeviceChoice } from "../protocol/device.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { type PassSize, planMemory, planText } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { chosenPlacement, namedBackend, type Placement } from "./placement.ts";
import { memoryRefusal, planRecipe, recipePasses } from "./recipeMemory.ts";
import { planTorch, type TorchPlace, torchPlanText, torchRefusal } from "./torchMemory.ts";
import { planProcesses, worldOf } from "./torchProcesses.ts";

/** The memory plan of a run in words, and why it does not fit; null where it does. */
export interface PlacedMemory {
  readonly text: string;
  readonly refusal: string | null;
}

/**
 * What a run plans to hold in memory where it is computed.
 *
 * @param available bytes of this machine's memory; null where that is not known.
 * @param choice what was chosen; where that is not known yet, what the recipe names, else onnx on the CPU.
 * @returns null on a GPU, and where that is not known: what it has free is known to the engine, which says it when the run starts.
 * @throws DiscernError("recipe-invalid") for a placement that contradicts itself.
 */
export function placedMemory(
  recipe: Recipe,
  model: ModelFacts,
  available: number | null,
  choice: DeviceChoice | null,
): PlacedMemory | null {
  const { backend, device, torch } = placeOf(recipe, choice);
  if (device !== "cpu") return null;
  if (backend === "onnx") {
    const text = planText(model, planRecipe(recipe, model, available).plan);
    return { text, refusal: memoryRefusal(recipe, model, available) };
  }
  const place = torchPlace(torch, "cpu", model.parameters);
  const work = { passes: recipePasses(recipe, model), memory: recipe.memory };
  const text = torchPlanText(model, planTorch(model, place, work, available).plan);
  return { text, refusal: torchRefusal(recipe, model, place, available) };
}

/** The most that passes of a run take, in bytes, and of what. */
export interface PlacedPeak {
  readonly bytes: number;
  readonly of: "memory" | "GPU memory";
}

/**
 * An estimate of what passes of a run take where it is computed, by the plan that would be taken there. Of GPUs, whose number is not known
 * here, it is that of one.
 *
 * @param available, choice as of {@link placedMemory}; what a GPU has free is not known, and everything fits there.
 */
export function placedPeak(
  recipe: Recipe,
  model: ModelFacts,
  passes: readonly PassSize[],
  { available, choice }: { readonly available: number | null; readonly choice: DeviceChoice | null },
): PlacedPeak {
  const { backend, device, torch } = placeOf(recipe, choice);
  const { memory } = recipe;
  const onGpu = device === "cuda" || device === "webgpu";
  const room = onGpu ? null : available;
  const of = onGpu ? "GPU memory" : "memory";
  if (backend === "onnx") return { of, bytes: planMemory(model, passes, memory, room).plan.peakBytes };
  // Shares of one process are a fault of the recipe, which its check reports.
  const place = torchPlace({ ...torch, shard: "auto" }, onGpu ? "cuda" : "cpu", model.parameters);
  return { of, bytes: planTorch(model, place, { passes, memory }, room).plan.peakBytes };
}

/** Where a run is computed: as chosen, else as it is named, else by onnx on the CPU. */
function placeOf(recipe: Placement, choice: DeviceChoice | null): Omit<Placement, "memory"> {
  if (choice) return chosenPlacement(recipe, choice);
  const backend = namedBackend(recipe) ?? "onnx";
  // Whether torch finds a GPU is not known yet.
  const device = recipe.device === "auto" && backend === "onnx" ? "cpu" : recipe.device;
  return { backend, device, torch: recipe.torch };
}

/** How PyTorch would hold a model on a machine whose GPUs are not known. @throws as `planProcesses`. */
function torchPlace(torch: TorchOptions, device: TorchPlace["device"], parameters: number): TorchPlace {
  const planned = planProcesses(torch, [], parameters);
  const halves = device === "cuda" && torch.dtype === "auto";
  const dtype = halves ? "bfloat16" : planned.dtype;
  return { ...planned, dtype, device, world: worldOf(torch, planned.processes) };
}
