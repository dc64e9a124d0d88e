import type { Memory, MemoryPlanRecord } from "../../protocol/backend.ts";
import type { OnnxDeviceName } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { type AvailableMemory, availableMemory } from "../../recipe/availableMemory.ts";
import { type MemoryPlan, planMemory, planText } from "../../recipe/memoryPlan.ts";
import type { ModelFacts } from "../../recipe/modelFacts.ts";
import { answering, memoryRefusal, planRecipe, recipePasses } from "../../recipe/recipeMemory.ts";
import {
  gpuRefusal,
  planTorch,
  type TorchPlace,
  type TorchPlan,
  torchPlanText,
  torchRefusal,
} from "../../recipe/torchMemory.ts";
import { byteSize } from "../../wording/numbers.ts";
import { linearModules } from "../model/architecture.ts";
import { formBytes, formOf } from "../model/forms.ts";
import { bytesOf, type LoadedModel, parameterCount, storedBytes } from "../model/load.ts";

/** What decides how a model is held. */
export interface MemoryWork {
  readonly memory: Memory;
  /** What will be done with it; where left out, prompts are answered. */
  readonly recipe?: Recipe | undefined;
  /** How an earlier part of the same run held it: kept where it fits, so that a resumed run computes alike. */
  readonly before?: MemoryPlanRecord["mode"] | undefined;
  /** Bytes that may be used; what this machine or container has available where left out. */
  readonly available?: number | undefined;
}

/** A batch that is answered where nobody says what will be done. */
const asked = { batchSize: 16, maxNewTokens: 256 };

/**
 * Plans how a model is held, before its weights are read.
 *
 * @throws DiscernError("out-of-memory") where nothing that was allowed fits, with what would.
 */
export async function heldMemory(
  loaded: LoadedModel,
  device: OnnxDeviceName,
  { memory, recipe, before, available: given }: MemoryWork,
): Promise<{ readonly plan: MemoryPlan; readonly record: MemoryPlanRecord }> {
  const model = factsOf(loaded, device);
  // What a GPU has free cannot be learned through WebGPU.
  const found = device === "cpu" ? await availableMemory() : null;
  const available = given ?? found?.bytes ?? null;
  const planned = (mode: Memory) =>
    recipe
      ? planRecipe({ ...recipe, memory: mode }, model, available)
      : planMemory(model, [answering(asked, model)], mode, available);
  const kept = memory === "auto" && before ? planned(before) : null;
  const { plan, fits } = kept?.fits ? kept : planned(memory);
  if (!fits) {
    const why = recipe && memoryRefusal({ ...recipe, memory }, model, available);
    throw outOfMemory(model, plan, { why: why ?? null, available, found });
  }
  const text = planText(model, plan);
  return { plan, record: { ...plan, availableBytes: available, text } };
}

/**
 * Plans how a model is held by PyTorch, before a process is started.
 *
 * @param gpu bytes of the GPU that has least, and what of it is free, where that is known; null where the CPU computes.
 * @throws DiscernError("out-of-memory") where nothing that was allowed fits this machine's memory, with what would. On a GPU, where much
 *   depends on libraries and on other programs, what is refused beforehand is what its weights and what is trained alone overfill.
 */
export async function torchMemory(
  loaded: LoadedModel,
  place: TorchPlace,
  { memory, recipe, before, available: given }: MemoryWork,
  gpu: { readonly free: number | null; readonly total: number } | null,
): Promise<{ readonly plan: TorchPlan; readonly record: MemoryPlanRecord }> {
  const model = factsOf(loaded, "cpu");
  const found = place.device === "cpu" ? await availableMemory() : null;
  const available = given ?? found?.bytes ?? gpu?.free ?? null;
  const refusal = gpu && gpuRefusal(recipe ?? null, model, place, gpu.total);
  if (refusal) throw new DiscernError("out-of-memory", refusal);
  const passes = recipe ? recipePasses(recipe, model) : [answering(asked, model)];
  const planned = (mode: Memory) => planTorch(model, place, { passes, memory: mode }, available);
  const kept = memory === "auto" && before && before !== "stream" ? planned(before) : null;
  const { plan, fits } = kept?.fits ? kept : planned(memory);
  if (!fits && place.device === "cpu") {
    const why = recipe && torchRefusal({ ...recipe, memory }, model, place, available);
    throw outOfMemory(model, plan, { why: why ?? null, available, found });
  }
  return { plan, record: { ...plan, availableBytes: available, text: torchPlanText(model, plan) } };
}

function outOfMemory(
  model: ModelFacts,
  { peakBytes }: { readonly peakBytes: number },
  {
    why,
    available,
    found,
  }: {
    readonly why: string | null;
    readonly available: number | null;
    readonly found: AvailableMemory | null;
  },
): DiscernError {
  const where =
    found?.limit === "container" ? ` The limit of ${byteSize(found.total)} is this container's.` : "";
  const plain =
    `${model.name} needs about ${byteSize(peakBytes)} of memory, and ${byteSize(available)} is free. Use a model that is ` +
    "smaller or stored in fewer bits.";
  return new DiscernError("out-of-memory", `${why ?? plain}${where}`);
}

function factsOf({ name, path, architecture, weights }: LoadedModel, device: OnnxDeviceName): ModelFacts {
  const stored = storedBytes(weights);
  return {
    name,
    path,
    parameters: parameterCount(architecture),
    bytes: stored.blocks + stored.outside,
    stored,
    held: bytesOf(weights, ({ type, shape }) =>
      // Whether a GPU takes float16 is found out later; most do.
      formBytes(formOf(type, shape, "stored", { device, float16: true }), shape),
    ),
    tokenizerProblem: null,
    linears: linearModules(architecture),
    architecture,
  };
}
