import type { Memory } from "../protocol/backend.ts";
import { greatestOf } from "../statistics/extremes.ts";
import { byteSize } from "../wording/numbers.ts";
import type { ModelFacts } from "./modelFacts.ts";

/*
 * What a model takes in memory, and what is done where that is too much: the one formula of the project. Letters: P numbers
 * of the model, L blocks, C hidden size, I size between, V vocabulary, H heads; of a pass N tokens, T tokens in a row, M rows
 * of logits. The constants were fitted to peaks that were measured (`npm run bench -- --tasks memory`).
 */

/** Bytes of a float32. */
export const float = 4;
/** Bytes of the process itself: Node.js, onnxruntime, the tokenizer and compiled graphs. */
export const processBytes = 0.25e9;
/** Share of the memory that is available which a plan may fill: estimates are good to about that. */
export const usableShare = 0.9;
/** Bytes of a piece of the head where logits are computed in pieces (`backend/onnx/decoder/head.ts`). */
export const headPieceBytes = 64 * 2 ** 20;

/** What one pass holds beside weights: a batch of a stage, forward and backward, or a batch that is answered. */
export interface PassSize {
  /** Tokens run at once, padding left out. */
  readonly tokens: number;
  /** Tokens of a row. */
  readonly rowLength: number;
  /** Blocks that are run. */
  readonly depth: number;
  /** Rows of logits. */
  readonly logits: number;
  /** Numbers that are trained, and whether they are weights of the model itself; 0 where nothing is. */
  readonly trained: number;
  readonly full: boolean;
  /** Numbers of keys and values that are kept for tokens to come. */
  readonly cache: number;
}

/** What takes the memory of a process, or of its GPU, in bytes. */
export interface PlanParts {
  readonly process: number;
  readonly weights: number;
  readonly activations: number;
  readonly logits: number;
  readonly trained: number;
  readonly cache: number;
}

/** What stays in memory, what is computed anew and what is read anew, and what that takes. */
export interface MemoryPlan {
  readonly mode: Exclude<Memory, "auto">;
  /** How weights that stay are held: widened once, or as they are stored and widened product by product. */
  readonly weights: "float32" | "stored";
  /** Blocks whose weights stay. */
  readonly keptBlocks: number;
  /** Of the process, or of the GPU where that computes. */
  readonly peakBytes: number;
  readonly parts: PlanParts;
  /** Bytes read from disk in a pass forward and backward. */
  readonly readPerPass: number;
}

/** The ways of holding a model, from the fastest to the smallest. */
const ways: readonly Pick<MemoryPlan, "mode" | "weights">[] = [
  { mode: "keep", weights: "float32" },
  { mode: "keep", weights: "stored" },
  { mode: "recompute", weights: "stored" },
  { mode: "stream", weights: "stored" },
];

/**
 * The fastest plan that fits.
 *
 * @param memory what was asked for; `auto` leaves the choice to the plan.
 * @param available bytes; null where that is not known, and then everything fits.
 * @returns the plan, and whether it fits: if not, it is the smallest of those that were allowed.
 */
export function planMemory(
  model: ModelFacts,
  passes: readonly PassSize[],
  memory: Memory,
  available: number | null,
): { readonly plan: MemoryPlan; readonly fits: boolean } {
  const allowed = ways.filter(({ mode }) => memory === "auto" || mode === memory);
  const room = available === null ? Number.POSITIVE_INFINITY : available * usableShare;
  for (const way of allowed) {
    const plan = planOf(model, passes, way, room);
    if (plan.peakBytes <= room) return { plan, fits: true };
  }
  return { plan: planOf(model, passes, allowed.at(-1)!, 0), fits: false };
}

/** What each way of holding a model takes, from the fastest to the smallest; streaming keeps no blocks. */
export function memoryPlans(model: ModelFacts, passes: readonly PassSize[]): MemoryPlan[] {
  return ways.map((way) => planOf(model, passes, way, 0));
}

/** What a way of holding a model takes at its greatest. @param room bytes; streaming keeps the blocks that fit, and none where it is not known. */
function planOf(
  model: ModelFacts,
  passes: readonly PassSize[],
  way: Pick<MemoryPlan, "mode" | "weights">,
  room: number,
): MemoryPlan {
  const { layers } = model.architecture;
  const needs = passes.map((pass) => partsOf(model, pass, way, way.mode === "stream" ? 0 : layers));
  const peak = (parts: MemoryPlan["parts"]) => Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  const largest = needs.reduce((most, parts) => (peak(parts) > peak(most) ? parts : most));
  const plan = { ...way, keptBlocks: layers, parts: largest, peakBytes: peak(largest), readPerPass: 0 };
  if (way.mode !== "stream") return plan;
  const block = heldBytes(model).blocks / layers;
  const spare = Math.floor((room - plan.peakBytes) / block);
  const keptBlocks = Number.isFinite(spare) ? Math.max(0, Math.min(layers - 2, spare)) : 0;
  const parts = { ...largest, weights: largest.weights + keptBlocks * block };
  const depth = greatestOf(passes.map((pass) => pass.depth));
  const onDisk = storedBytes(model).blocks / layers;
  const hasLogits = passes.some(({ logits, trained }) => trained > 0 && logits > 0);
  return {
    ...plan,
    keptBlocks,
    parts,
    peakBytes: peak(parts),
    readPerPass: 2 * (Math.max(0, depth - keptBlocks) * onDisk + (hasLogits ? headBytes(model) : 0)),
  };
}

/** Bytes of the blocks and of what lies outside them, as stored. */
export function storedBytes({ stored, bytes, parameters, architecture }: ModelFacts): {
  readonly blocks: number;
  readonly outside: number;
} {
  if (stored) return stored;
  const { vocabSize, hiddenSize, tiedEmbeddings } = architecture;
  const outside =
    (bytes * Math.min(parameters, vocabSize * hiddenSize * (tiedEmbeddings ? 1 : 2))) / parameters;
  return { outside, blocks: bytes - outside };
}

/** What the same weights take in memory; float32 scales make blocks of few bits about an eighth larger. */
function heldBytes(model: ModelFacts): { readonly blocks: number; readonly outside: number } {
  if (model.held) return model.held;
  const { blocks, outside } = storedBytes(model);
  const factor = blocks + outside < 1.5 * model.parameters ? 1.12 : 1;
  return { blocks: factor * blocks, outside: factor * outside };
}

/** Bytes of the head as stored, which with tied embeddings is all that lies outside the blocks. */
function headBytes(model: ModelFacts): number {
  return storedBytes(model).outside / (model.architecture.tiedEmbeddings ? 1 : 2);
}

function partsOf(
  model: ModelFacts,
  { tokens, rowLength, depth, logits, trained, full, cache }: PassSize,
  { mode, weights }: Pick<MemoryPlan, "mode" | "weights">,
  keptBlocks: number,
): MemoryPlan["parts"] {
  const { layers, hiddenSize, intermediateSize, vocabSize, heads = hiddenSize / 64 } = model.architecture;
  const stored = heldBytes(model);
  // One block's activations with what its backward pass makes of them; scores are three times (H, T, T) a row.
  const block = (12 * hiddenSize + 4 * intermediateSize + 3 * heads * rowLength) * tokens;
  const whole = weights === "float32" ? float * model.parameters : stored.blocks + stored.outside;
  // Two blocks are in memory at once: one that is computed, and the next one, which is read meanwhile. Of the embeddings
  // rows are read, of the head pieces.
  const streamed = (stored.blocks / layers) * Math.min(layers, keptBlocks + 2);
  // A weight that is stored smaller is widened for its product, its gradient's once more. The largest is the head, where it
  // does not come in pieces.
  const widest = Math.max(intermediateSize, mode === "keep" && logits > 0 ? vocabSize : 0);
  const widened = weights === "float32" ? 0 : 2 * float * hiddenSize * widest;
  const stepwise = hiddenSize * tokens * (depth + 1) + 1.6 * block;
  const pieces = mode === "keep" ? vocabSize : Math.min(vocabSize, headPieceBytes / float / hiddenSize);
  const masters = full && weights === "stored" ? 1 : 0;
  return {
    process: processBytes,
    weights: mode === "stream" ? streamed : whole,
    activations: widened + float * (mode === "keep" ? block * depth : stepwise),
    logits: float * (3 * pieces * logits + (mode === "keep" ? 0 : pieces * hiddenSize)),
    // Value (of an adapter), gradient and two moments.
    trained: float * trained * (full ? 3 + masters : 4),
    cache: float * cache,
  };
}

/** A plan in words: what stays, what is computed or read anew, and its peak. */
export function planText(
  model: ModelFacts,
  { mode, weights, keptBlocks, peakBytes, readPerPass }: MemoryPlan,
): string {
  const { layers } = model.architecture;
  const { blocks, outside } = storedBytes(model);
  const held =
    weights === "float32"
      ? `as float32 (${byteSize(float * model.parameters)})`
      : `as stored (${byteSize(blocks + outside)})`;
  const kept = keptBlocks === 0 ? "none of the blocks stays" : `${keptBlocks} of ${layers} blocks stay`;
  const what = {
    keep: `Weights ${held} and activations stay in memory.`,
    recompute: `Weights stay in memory ${held}; activations are recomputed block by block in the backward pass.`,
    stream: `Weights are read block by block (${kept} in memory), ${byteSize(readPerPass)} for a forward and backward pass; activations are recomputed.`,
  };
  return `${what[mode]} Estimated peak: ${byteSize(peakBytes)}.`;
}
