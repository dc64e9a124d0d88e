import { DiscernError } from "../../protocol/errors.ts";
import type { Intervention } from "../backend/interventions.ts";
import type { Architecture } from "../model/architecture.ts";
import { architectureFromConfig } from "../model/architectureFromConfig.ts";
import { changedTensor, memoryTensor, type Weights } from "../model/weights.ts";
import { dot, unit } from "./vectors.ts";

/** A model whose weights are edited. */
export interface EditedModel {
  readonly architecture: Architecture;
  readonly weights: Weights;
  /** Its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
}

const embeddings = "model.embed_tokens.weight";
const head = "lm_head.weight";

/** x + (x·read)·write. */
interface Projection {
  readonly read: Float64Array;
  readonly write: Float64Array;
}

/**
 * Makes interventions part of a model's weights, so that it computes the same without them. What becomes of a weight is computed
 * when it is read.
 *
 * - a change of everything that is written to the residual stream, x + (x·r)w at the first block's input and at all attention and MLP
 *   outputs (an ablation has w = −r): embedding rows e + (e·r)w, output and down projections W + w(rᵀW), and their biases;
 * - a vector that is added at a block's input: a bias of the down projection before it, or of the first block the embeddings.
 *
 * Tied embeddings are untied first, since the head reads the residual stream.
 *
 * @returns the model's `config.json`, changed where the edit needs it.
 * @throws DiscernError `request-invalid` where the weights cannot hold them; nothing is changed then.
 */
export function editWeights(
  model: EditedModel,
  interventions: readonly Intervention[],
): Record<string, unknown> {
  if (interventions.length === 0) return { ...model.config };
  if (interventions.some(({ positions, scale }) => positions !== "all" || scale !== undefined)) {
    throw refused("it does not act on all tokens of all prompts alike");
  }
  if (interventions.some(({ restoreNorm }) => restoreNorm)) {
    throw refused("it restores the norms of what it changes");
  }
  const { family, norm } = model.architecture;
  if (norm.placement !== "pre") {
    throw refused(`models of the family ${family} have a norm behind each sub-block`);
  }
  const projection = projectionOf(interventions, model.architecture.layers);
  if (projection !== null) return editProjection(model, projection);
  const additions = interventions.flatMap(({ site, action }) =>
    site.at === "block-input" && action.type === "add"
      ? site.layers.map((layer) => ({ layer, vector: action.vector }))
      : [],
  );
  if (additions.length < interventions.length) throw refused("it is neither an ablation nor an addition");
  return editAdditions(model, additions);
}

/** The one projection that interventions apply to all that is written to the residual stream; null where they do not. */
function projectionOf(interventions: readonly Intervention[], layers: number): Projection | null {
  const found = interventions.map(({ action }) => asProjection(action));
  const [first] = found;
  if (!first || found.some((other) => !other || !isSame(first, other))) return null;
  const covers = (at: Intervention["site"]["at"], layer: number) =>
    interventions.some(({ site }) => site.at === at && site.layers.includes(layer));
  const all = [...Array(layers).keys()];
  const isWhole =
    covers("block-input", 0) &&
    all.every((layer) => covers("attention-output", layer) && covers("mlp-output", layer));
  // Acting again at later block inputs changes nothing only where there is nothing left to change.
  const again = all.some((layer) => layer > 0 && covers("block-input", layer));
  return isWhole && (!again || Math.abs(dot(first.read, first.write) + 1) < 1e-5) ? first : null;
}

function asProjection(action: Intervention["action"]): Projection | null {
  if (action.type === "ablate") {
    const read = unit(action.direction);
    return { read, write: read.map((x) => -x) };
  }
  if (action.type !== "project" || action.of !== "self") return null;
  return { read: Float64Array.from(action.read), write: Float64Array.from(action.write) };
}

function isSame(a: Projection, b: Projection): boolean {
  const near = (x: Float64Array, y: Float64Array) => x.every((value, i) => Math.abs(value - y[i]!) < 1e-6);
  return near(a.read, b.read) && near(a.write, b.write);
}

function editProjection(
  { weights, architecture, config }: EditedModel,
  { read, write }: Projection,
): Record<string, unknown> {
  const untied = untie(weights);
  change(weights, embeddings, (data) => projectRows(data, read, write));
  for (let layer = 0; layer < architecture.layers; layer++) {
    for (const module of ["self_attn.o_proj", "mlp.down_proj"]) {
      const name = `model.layers.${layer}.${module}`;
      change(weights, `${name}.weight`, (data) => projectOutputs(data, read, write));
      if (weights.has(`${name}.bias`)) {
        change(weights, `${name}.bias`, (data) => projectRows(data, read, write));
      }
    }
  }
  return { ...config, ...untied };
}

function editAdditions(
  { weights, architecture, config }: EditedModel,
  additions: readonly { readonly layer: number; readonly vector: Float32Array }[],
): Record<string, unknown> {
  const { family, layers, intermediateSize, hiddenSize, bias, embeddingScale, residualScale } = architecture;
  const needsBias = additions.some(({ layer }) => layer > 0);
  let edited: Record<string, unknown> = { ...config };
  if (needsBias && !bias.mlp) {
    edited = { ...edited, mlp_bias: true };
    if (!architectureFromConfig(edited).bias.mlp) {
      throw refused(
        `models of the family ${family} have no bias in their MLPs that could hold a vector added at a block`,
      );
    }
    const sizes = { gate_proj: intermediateSize, up_proj: intermediateSize, down_proj: hiddenSize };
    for (let layer = 0; layer < layers; layer++) {
      for (const [name, size] of Object.entries(sizes)) {
        const bias = { shape: [size], data: new Float32Array(size) };
        weights.set(`model.layers.${layer}.mlp.${name}.bias`, memoryTensor(bias));
      }
    }
  }
  for (const { layer, vector } of additions) {
    if (layer === 0) {
      edited = { ...edited, ...untie(weights) };
      change(weights, embeddings, (data) => {
        for (let i = 0; i < data.length; i++) data[i]! += vector[i % vector.length]! / embeddingScale;
      });
    } else {
      change(weights, `model.layers.${layer - 1}.mlp.down_proj.bias`, (data) => {
        for (const [i, x] of vector.entries()) data[i]! += x / residualScale;
      });
    }
  }
  return edited;
}

/** Gives the head weights of its own where it shares the embeddings'. @returns what changes in `config.json`. */
function untie(weights: Weights): Record<string, unknown> {
  if (!weights.has(head)) weights.set(head, weights.get(embeddings)!);
  return { tie_word_embeddings: false };
}

function change(weights: Weights, name: string, by: (data: Float32Array) => void): void {
  weights.set(name, changedTensor(weights.get(name)!, by));
}

/** x ← x + (x·read)write for each row of their length. */
function projectRows(data: Float32Array, read: Float64Array, write: Float64Array): void {
  for (let start = 0; start < data.length; start += read.length) {
    let along = 0;
    for (const [c, x] of read.entries()) along += x * data[start + c]!;
    for (const [c, x] of write.entries()) data[start + c]! += along * x;
  }
}

/** W ← W + write(readᵀW) for W (C, in). */
function projectOutputs(data: Float32Array, read: Float64Array, write: Float64Array): void {
  const width = data.length / read.length;
  const along = new Float64Array(width);
  for (const [row, x] of read.entries()) {
    for (let i = 0; i < width; i++) along[i]! += x * data[row * width + i]!;
  }
  for (const [row, x] of write.entries()) {
    for (let i = 0; i < width; i++) data[row * width + i]! += x * along[i]!;
  }
}

function refused(why: string): DiscernError {
  return new DiscernError(
    "request-invalid",
    `The steering cannot be written into the weights: ${why}. Apply the steering file itself, by --steering.`,
  );
}
