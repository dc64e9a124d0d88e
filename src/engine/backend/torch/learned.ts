/** What was learned elsewhere becomes part of a worker's model, and its weights are read back to be exported. */

import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import { elementCount, type StoredTensor, type Weights } from "../../model/weights.ts";
import type { Learned } from "../backend.ts";
import { inParts } from "./parts.ts";
import { type TorchModel, tensor } from "./torchModel.ts";
import { factorsOf } from "./trainer.ts";

const nothing = z.object({});

/**
 * Adds an adapter, or puts whole weights in place of the model's own.
 *
 * @throws DiscernError("adapter-invalid") for a module that the model does not have; nothing is changed then.
 */
export async function adopt(model: TorchModel, learned: Learned): Promise<void> {
  if (learned.method === "lora") {
    const { modules } = learned.adapter;
    for (const module of modules.keys()) {
      if (model.parameters.has(`${module}.weight`)) continue;
      throw new DiscernError(
        "adapter-invalid",
        `The adapter changes ${module}, which the model does not have.`,
      );
    }
    const bytes = ([, { a, b }]: [string, { a: { data: Float32Array }; b: { data: Float32Array } }]) =>
      a.data.byteLength + b.data.byteLength;
    for (const part of inParts([...modules], bytes)) {
      const scales = Object.fromEntries(part.map(([module, { scale }]) => [module, scale]));
      await model.ask("adopt", { scales }, nothing, factorsOf(new Map(part)));
    }
    for (const module of modules.keys()) model.noteChanged(`${module}.weight`);
    return;
  }
  for (const [name, stored] of learned.weights) {
    if (!model.parameters.has(name)) continue;
    const whole = { shape: stored.shape, data: await stored.float32() };
    await model.ask("replace", {}, nothing, new Map([[name, whole]]));
    model.noteChanged(name);
  }
}

/** The model's weights as they are: those that training has changed are the worker's, merged in float32; the others are as they were read. */
export function currentWeights(model: TorchModel): Weights {
  const weights: Weights = new Map(model.weights);
  for (const name of model.changed)
    weights.set(name, new WorkerTensor(model, name, weights.get(name)!.shape));
  return weights;
}

class WorkerTensor implements StoredTensor {
  readonly place = "a tensor of the PyTorch process";
  readonly shape: readonly number[];
  readonly type = "F32";
  readonly bytes: number;
  private readonly model: TorchModel;
  private readonly name: string;

  constructor(model: TorchModel, name: string, shape: readonly number[]) {
    this.model = model;
    this.name = name;
    this.shape = shape;
    this.bytes = 4 * elementCount(shape);
  }

  async read(rows?: { from: number; to: number }): Promise<Uint8Array> {
    const { buffer, byteOffset, byteLength } = await this.float32(rows);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  async float32(rows?: { from: number; to: number }): Promise<Float32Array> {
    const data = tensor(await this.model.tensors("weights", { names: [this.name] }), this.name);
    if (!rows) return data;
    const width = data.length / this.shape[0]!;
    return data.subarray(rows.from * width, rows.to * width);
  }
}
