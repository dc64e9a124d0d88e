import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import type { Steering } from "../../protocol/steering.ts";
import { type SteeringRecord, steeringRecordSchema } from "../../protocol/steeringRecord.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { fileHash } from "../../storage/hash.ts";
import type { Backend } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { readSafetensors, writeSafetensors } from "../model/safetensors.ts";
import { type Parameter, refuseNotFinite } from "../model/weights.ts";
import type { Fitted, FittedSteering } from "./method.ts";

/** What the file is called in a run folder. */
export const steeringFileName = "steering.json";

/** The tensor that a model is known by. */
const fingerprintName = "model.fingerprint";
/** Its text; whichever, as long as it stays. */
const fingerprintText = "The library opens at nine, and the last train leaves an hour before midnight.";
/** How far two fingerprints of one model may be apart, as a share: devices and the order of merging differ by rounding. */
const fingerprintTolerance = 1e-3;

/** A model that a steering is fitted on, or is to act on. */
export interface SteeredModel {
  readonly name: string;
  readonly backend: Backend;
  readonly encoder: PromptEncoder;
}

/**
 * Writes a fitted method as two files: the record, and beside it the safetensors file that it names. The record is written last:
 * what lies there is whole.
 *
 * @param path of the record, which ends in `.json`.
 * @throws DiscernError `disk-full`, `run-unwritable`.
 */
export async function writeSteering(
  path: string,
  {
    steering,
    seed,
    fitted,
    model,
  }: { steering: Steering; seed: number; fitted: Fitted; model: SteeredModel },
): Promise<SteeringRecord> {
  const { layers, hiddenSize } = model.backend.shape;
  const { tensors, ...found } = fitted;
  const file = `${basename(path, ".json")}.safetensors`;
  const place = join(dirname(path), file);
  try {
    await writeSafetensors(place, [...tensors, [fingerprintName, await fingerprint(model)]]);
    const record: SteeringRecord = {
      version: 1,
      created: new Date().toISOString(),
      steering,
      model: { name: model.name, layers, hiddenSize },
      prompt: model.encoder.template.render("Hello"),
      seed,
      ...found,
      tensors: { file, sha256: await fileHash(place) },
    };
    await writeAtomic(path, `${JSON.stringify(record, null, 2)}\n`);
    return record;
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** A fitted method as it was read. */
export interface ReadSteering extends FittedSteering {
  readonly record: SteeringRecord;
  readonly path: string;
}

/**
 * Reads a fitted method.
 *
 * @param path the record, or a folder that holds one, such as a run folder.
 * @throws DiscernError `file-missing`; `steering-invalid` for a file that is none, is damaged, or is of another version.
 */
export async function readSteering(path: string): Promise<ReadSteering> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, steeringFileName) : path;
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    throw new DiscernError(
      "file-missing",
      `${file} does not exist. Name a ${steeringFileName} that a run with "steering" or discern steer has written.`,
    );
  }
  const record = parseRecord(text, file);
  const place = join(dirname(file), basename(record.tensors.file));
  const sum = await fileHash(place).catch(() => null);
  if (sum !== record.tensors.sha256) {
    const what = sum === null ? "is missing" : `has SHA-256 ${sum}, not ${record.tensors.sha256}`;
    throw new DiscernError(
      "steering-invalid",
      `${place} ${what}: it belongs to ${file}. Copy both files together, or fit the steering again.`,
    );
  }
  const { tensors } = await readSafetensors(place);
  for (const [name, { data }] of tensors) refuseNotFinite(data, `${place}: tensor "${name}"`);
  const { steering, chosen, numbers, conditions } = record;
  return { steering, chosen, numbers, conditions, tensors, record, path: file };
}

/** @throws DiscernError `steering-invalid`. */
function parseRecord(text: string, file: string): SteeringRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DiscernError("steering-invalid", `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const version = (json as { version?: unknown } | null)?.version;
  if (version !== undefined && version !== 1) {
    throw new DiscernError(
      "steering-invalid",
      `${file} is of version ${String(version)}, and this version of Discern reads 1. Fit the steering again.`,
    );
  }
  const parsed = steeringRecordSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DiscernError(
    "steering-invalid",
    `${file} is not a fitted steering: ${issue!.path.join(".") || "the file"}: ${issue!.message}. Name a ${steeringFileName} that a run ` +
      'with "steering" or discern steer has written.',
  );
}

/**
 * Holds a fitted method against the model that it is to act on: the same shape, and the same activations on a fixed text. So a model
 * is known however it is stored, merged and computed, and one that was trained on is another.
 *
 * @returns what a reader must know: that prompts are written differently from when it was fitted.
 * @throws DiscernError `steering-invalid` for another model.
 */
export async function checkSteeredModel(
  { record, tensors, path }: ReadSteering,
  model: SteeredModel,
): Promise<string[]> {
  const { layers, hiddenSize } = model.backend.shape;
  const fitted = record.model;
  const refit = "Fit it on this model, or name the model, and its adapter, that it was fitted on.";
  if (fitted.layers !== layers || fitted.hiddenSize !== hiddenSize) {
    throw new DiscernError(
      "steering-invalid",
      `${path} was fitted on ${fitted.name}, with ${fitted.layers} layers of ${fitted.hiddenSize}, and ${model.name} has ${layers} of ` +
        `${hiddenSize}. ${refit}`,
    );
  }
  const [then, now] = [tensors.get(fingerprintName), await fingerprint(model)];
  const apart = then && relativeDistance(now.data, then.data);
  if (apart === undefined || !(apart <= fingerprintTolerance)) {
    throw new DiscernError(
      "steering-invalid",
      `${path} was fitted on another model than this one (${fitted.name} then, ${model.name} now; activations on a fixed text differ by ` +
        `${apart === undefined ? "an unknown share" : `${(100 * apart).toPrecision(3)} %`}). ${refit}`,
    );
  }
  if (record.prompt === model.encoder.template.render("Hello")) return [];
  return [
    `${path} was fitted on prompts written otherwise (template, system prompt): its vectors may not mean the same here.`,
  ];
}

/** (1, C): what the last block reads at the last token of a fixed text. */
async function fingerprint({ backend, encoder }: SteeredModel): Promise<Parameter> {
  const layer = backend.shape.layers - 1;
  const ids = await encoder.tokenizer.encode(fingerprintText, { begin: true });
  const found = await backend.features([ids], { layers: [layer], pooling: "last" });
  const { width, data } = found.get(layer)!;
  return { shape: [1, width], data: Float32Array.from(data) };
}

/** ‖a − b‖ / ‖b‖; not finite where the lengths differ. */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [apart, norm] = [0, 0];
  for (const [i, x] of b.entries()) {
    apart += (a[i]! - x) ** 2;
    norm += x * x;
  }
  return Math.sqrt(apart / norm);
}
