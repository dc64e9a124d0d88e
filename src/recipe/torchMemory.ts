import type { ComputeType, Memory } from "../protocol/backend.ts";
import { type Recipe, recipeSchema } from "../protocol/recipe.ts";
import { greatestOf } from "../statistics/extremes.ts";
import { byteSize } from "../wording/numbers.ts";
import { float, type PassSize, type PlanParts, processBytes, usableShare } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { planRecipe, recipePasses, smallestBatch, withBatches } from "./recipeMemory.ts";

/*
 * What a model takes in memory where PyTorch computes it, and what is done where that is too much. Letters as in
 * `memoryPlan.ts`. The constants were fitted to peaks of the worker's processes on a CPU: LoRA
 * steps of 8 × 64 tokens on SmolLM2-135M took 3.5 GB in float32 where 3.4 was planned, 2.3 of 2.3 in bfloat16, and 5.4 of 5.5 in two processes.
 *
 * Recomputed they took 2.2 to 2.4 GB, of which what is alive is 1.9. The rest are holes: what a block frees when it is done lies below
 * its output, which is kept, and later blocks fill little of it. With an allocator that returns each piece at once (12 such blocks, M_MMAP_THRESHOLD) a step
 * took 65 MB beside weights instead of 270, and half as much time again, so the holes stay and are counted.
 */

/** Bytes of a process of the worker, or of the agent of several, with PyTorch before it has a model; of a GPU, what its driver and libraries take. */
const workerBytes = 0.75e9;
/** How much more a block keeps for its backward pass than in a graph that is written for it. */
const kept = 1.75;

/** Bytes of an allocation from which glibc returns it to the system when it is freed: it leaves no hole. */
const returnedBytes = 32 * 2 ** 20;

/** Where and by how many processes a model is computed. */
export interface TorchPlace {
  readonly device: "cpu" | "cuda";
  readonly dtype: ComputeType;
  /** Processes on this machine. */
  readonly processes: number;
  /** Processes on all machines, which share the rows of a batch. */
  readonly world: number;
  /** Whether each holds a share of the weights instead of all. */
  readonly shard: boolean;
}

/** What stays in memory, what is computed anew, and what that takes. */
export interface TorchPlan extends TorchPlace {
  readonly mode: "keep" | "recompute";
  /** Of all processes of this machine together on a CPU, of the fullest GPU else. */
  readonly peakBytes: number;
  /** Memory of this machine, which on a GPU is needed while the model is loaded. */
  readonly hostBytes: number;
  /** Of one process, or of its GPU. */
  readonly parts: PlanParts;
}

/** What of a placement a plan is made for, and by which passes. */
export interface TorchWork {
  readonly passes: readonly PassSize[];
  readonly memory: Memory;
}

/**
 * The fastest plan that fits.
 *
 * @param available bytes of the machine's memory, or of the GPU that has least; null where that is not known, and then everything fits.
 * @returns the plan, and whether it fits: if not, it is the smallest of those that were allowed.
 */
export function planTorch(
  model: ModelFacts,
  place: TorchPlace,
  { passes, memory }: TorchWork,
  available: number | null,
): { readonly plan: TorchPlan; readonly fits: boolean } {
  const room = available === null ? Number.POSITIVE_INFINITY : available * usableShare;
  const whole = planOf(model, place, passes, "keep");
  if (memory !== "recompute" && (whole.peakBytes <= room || memory === "keep"))
    return { plan: whole, fits: whole.peakBytes <= room };
  const anew = planOf(model, place, passes, "recompute");
  return { plan: anew, fits: anew.peakBytes <= room };
}

function planOf(
  model: ModelFacts,
  place: TorchPlace,
  passes: readonly PassSize[],
  mode: TorchPlan["mode"],
): TorchPlan {
  const sum = (parts: TorchPlan["parts"]) => Object.values(parts).reduce((total, bytes) => total + bytes, 0);
  const parts = passes
    .map((pass) => partsOf(model, place, pass, mode))
    .reduce((most, each) => (sum(each) > sum(most) ? each : most));
  const own = place.device === "cpu" ? sum(parts) : workerBytes + numberBytes(place) * model.parameters;
  const agent = place.world > 1 ? workerBytes : 0;
  const hostBytes = processBytes + agent + place.processes * own;
  return { ...place, mode, parts, hostBytes, peakBytes: place.device === "cpu" ? hostBytes : sum(parts) };
}

const numberBytes = ({ dtype }: TorchPlace) => (dtype === "bfloat16" ? 2 : float);

function partsOf(
  { parameters, architecture }: ModelFacts,
  place: TorchPlace,
  { tokens, rowLength, depth, logits, trained, full, cache }: PassSize,
  mode: TorchPlan["mode"],
): TorchPlan["parts"] {
  const { hiddenSize, intermediateSize, vocabSize, heads = hiddenSize / 64 } = architecture;
  const { device, world, shard } = place;
  const number = numberBytes(place);
  // A CPU reads a model as a whole before it is shared out.
  const shares = shard && device === "cuda" ? world : 1;
  const own = tokens / world;
  const block = kept * (12 * hiddenSize + 4 * intermediateSize + 3 * heads * rowLength) * own;
  // Four of the MLP (gate, its activation, up, their product), and what attention and MLP give.
  const pieces = number * intermediateSize * own < returnedBytes ? 4 * intermediateSize : 0;
  const holes = device === "cpu" ? (2 * hiddenSize + pieces) * own * depth : 0;
  const stepwise = hiddenSize * own * (depth + 1) + holes + 1.6 * block;
  const masters = full && place.dtype === "bfloat16" ? 1 : 0;
  return {
    process: workerBytes,
    weights: (number * parameters) / shares,
    activations: number * (mode === "keep" ? block * depth : stepwise),
    logits: (float * 3 * vocabSize * logits) / world,
    // Value (of an adapter), gradient and two moments.
    trained: (float * trained * (full ? 3 + masters : 4)) / (full ? shares : 1),
    // Where weights are shared, answers are generated alike by all.
    cache: (number * cache) / (shard ? 1 : world),
  };
}

/**
 * Why a run fits no GPU however its activations are held, with the smallest changes that would let it; null where it may fit. Counted is
 * only what is certain: weights, and what is trained with its gradient and moments.
 *
 * @param recipe null where the model is only asked.
 * @param total bytes of the GPU that has least.
 */
export function gpuRefusal(
  recipe: Recipe | null,
  model: ModelFacts,
  place: TorchPlace,
  total: number,
): string | null {
  const isFull = recipe !== null && trainsWeights(recipe);
  const adapters = isFull ? withAdapters(recipe) : recipe;
  const certain = (changed: Recipe | null, where: TorchPlace) => {
    // Weights in shares are not trained themselves.
    if (where.shard && changed !== null && trainsWeights(changed)) return Number.POSITIVE_INFINITY;
    const passes = changed ? recipePasses(changed, model) : [asking];
    const parts = passes.map((pass) => partsOf(model, where, pass, "recompute"));
    return greatestOf(parts.map(({ weights, trained }) => weights + trained));
  };
  const need = certain(recipe, place);
  if (need <= total) return null;
  const which = place.world > 1 ? "each" : "the";
  const what =
    `${model.name} needs about ${byteSize(need)} of ${which} GPU for its weights and what is trained alone, ` +
    `and ${which === "each" ? "the smallest" : "it"} has ${byteSize(total)}.`;
  const halves = { ...place, dtype: "bfloat16" } as const;
  const several = place.world > 1 && !place.shard;
  const ways: readonly { readonly words: string; readonly bytes: number }[] = [
    ...(place.dtype === "float32"
      ? [{ words: 'torch.dtype: "bfloat16"', bytes: certain(recipe, halves) }]
      : []),
    ...(several
      ? [{ words: 'torch.shard: "shard"', bytes: certain(recipe, { ...place, shard: true }) }]
      : []),
    ...(isFull ? [{ words: 'train.method: "lora"', bytes: certain(adapters, place) }] : []),
  ];
  const suffice = ways.filter(({ bytes }) => bytes <= total);
  if (suffice.length > 0) return `${what} Use ${suffice.map(({ words }) => words).join(", or ")}.`;
  // Nothing suffices alone: everything together, in shares of as many GPUs as that takes.
  const world = [place.world, 2, 4, 8, 16, 32, 64].find(
    (gpus) => gpus >= place.world && certain(adapters, { ...halves, world: gpus, shard: gpus > 1 }) <= total,
  );
  const together = [
    ...ways.filter(({ words }) => !words.startsWith("torch.shard")).map(({ words }) => words),
    ...(world === undefined ? ["larger GPUs"] : []),
    ...(world !== undefined && world > 1 ? [`torch.shard: "shard" on ${world} such GPUs`] : []),
  ];
  return `${what} Use ${together.join(" with ")}, or a smaller model.`;
}

/** A pass of a model that is only asked. */
const asking: PassSize = { tokens: 0, rowLength: 0, depth: 0, logits: 0, trained: 0, full: false, cache: 0 };

/** Whether a stage trains the weights themselves. */
export function trainsWeights({ stages }: Recipe): boolean {
  return stages.some(({ train }) => train.method === "full");
}

/** The same recipe with adapters where it trains weights. */
function withAdapters(recipe: Recipe): Recipe {
  const stages = recipe.stages.map((stage) => {
    const { method, layers } = stage.train;
    const train = { method: "lora", ...(layers && { layers }) };
    return method === "full" ? { ...stage, train } : stage;
  });
  return recipeSchema.parse({ ...recipe, stages });
}

/** A plan in words: what stays, what is computed anew, and its peak. */
export function torchPlanText(model: ModelFacts, plan: TorchPlan): string {
  const { mode, dtype, device, processes, shard, peakBytes, hostBytes, parts } = plan;
  const shared = shard && device === "cuda";
  const each = processes === 1 ? "" : shared ? ", in shares," : ` in each of ${processes} processes`;
  const size = byteSize(shared ? numberBytes(plan) * model.parameters : parts.weights);
  const weights = `Weights as ${dtype} (${size})${each}`;
  const what =
    mode === "keep"
      ? `${weights} and activations stay in memory.`
      : `${weights} stay in memory; activations are recomputed block by block in the backward pass.`;
  const peak = byteSize(peakBytes);
  if (device === "cpu") return `${what} Estimated peak: ${peak}.`;
  const gpus = processes === 1 ? "of the GPU" : "of each GPU";
  return `${what} Estimated peak: ${peak} ${gpus}, and ${byteSize(hostBytes)} of this machine's memory while the model is loaded.`;
}

/**
 * Why a run does not fit this machine's memory with PyTorch on its CPU, with the smallest changes that would make it fit; null where it
 * fits.
 *
 * @param available bytes; null where that is not known.
 */
export function torchRefusal(
  recipe: Recipe,
  model: ModelFacts,
  place: TorchPlace,
  available: number | null,
): string | null {
  const planned = (changed: Recipe, where = place) =>
    planTorch(model, where, { passes: recipePasses(changed, model), memory: changed.memory }, available);
  const { plan, fits } = planned(recipe);
  if (fits || available === null) return null;
  const need =
    `${model.name} needs about ${byteSize(plan.peakBytes)} of memory with PyTorch by this recipe, and ` +
    `${byteSize(available)} is free.`;
  const alone = { ...place, processes: 1, world: place.world - place.processes + 1 };
  const halves = { ...place, dtype: "bfloat16" } as const;
  const anew: Recipe = { ...recipe, memory: "auto" };
  const found: string[] = [];
  if (recipe.memory === "keep" && planned(anew).fits) found.push('memory: "recompute"');
  if (place.processes > 1 && planned(recipe, alone).fits) found.push("torch.processes: 1");
  if (place.dtype === "float32" && planned(recipe, halves).fits) found.push('torch.dtype: "bfloat16"');
  const batch = smallestBatch(recipe, (changed) => planned(changed).fits);
  if (batch) found.push(batch);
  if (found.length > 0) return `${need} Use ${found.join(", or ")}.`;
  // Nothing suffices alone: everything together, then the backend that reads weights block by block.
  const least = { ...withBatches(recipe, () => 1), memory: "recompute" } as const;
  const { plan: smallest, fits: lastFits } = planned(least, { ...alone, dtype: "bfloat16" });
  const size = byteSize(smallest.peakBytes);
  const all = `one process with torch.dtype: "bfloat16", memory: "recompute" and batches of 1`;
  if (lastFits) return `${need} Use ${all} (about ${size}).`;
  const other = planRecipe({ ...recipe, memory: "auto" }, model, available);
  const even = `Even ${all} is too much (about ${size}).`;
  if (!other.fits) return `${need} ${even} Use a smaller model, or a machine with more memory.`;
  return `${need} ${even} Use backend: "onnx" with memory: "${other.plan.mode}" (about ${byteSize(other.plan.peakBytes)}).`;
}
