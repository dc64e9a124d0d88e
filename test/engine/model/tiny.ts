import { readdirSync, readFileSync } from "node:fs";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { families } from "../../../src/engine/model/families.ts";
import { openModel } from "../../../src/engine/model/source.ts";
import { committedPath } from "../../golden/golden.ts";

/** The small golden models: one for each family, under its name, and some more of one family. */
export const tinyModels = readdirSync(committedPath("tiny"));

/** Those of them that GGUF names by their own family. */
export const ggufFamilies = Object.keys(families).filter((name) => families[name].gguf !== null);

export function tinyPath(name: string): string {
  return committedPath("tiny", name);
}

export function tinyConfig(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${tinyPath(name)}/config.json`, "utf8"));
}

/** A tiny model at work on the CPU, with weights of its own. */
export async function tinyModel(name: string): Promise<LiveModel> {
  const source = await openModel(tinyPath(name));
  return new LiveModel(await Device.open("cpu", { threads: 1 }), source.architecture, await source.weights());
}

/** The same behind the interface that everything above works with; the model beside it is for looking inside. */
export async function tinyBackend(name: string): Promise<{ backend: Backend; model: LiveModel }> {
  const model = await tinyModel(name);
  return { backend: new OnnxBackend(model), model };
}
