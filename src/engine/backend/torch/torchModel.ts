import * as z from "zod";
import { type BackendRecord, computeTypeSchema } from "../../../protocol/backend.ts";
import { type DeviceUse, deviceUseSchema } from "../../../protocol/telemetry.ts";
import { type Architecture, linearModules } from "../../model/architecture.ts";
import type { Weights } from "../../model/weights.ts";
import type { BackendShape, Tokens } from "../backend.ts";
import { ownTokens, type RowBatch } from "../batching.ts";
import { Interruption } from "../interruption.ts";
import type { Tensors } from "./wire.ts";
import type { Answer, OnPart, WorkerClient } from "./workerClient.ts";

/** How a model is loaded by the worker. */
export interface LoadOptions {
  /** A Hugging Face folder. */
  readonly folder: string;
  readonly architecture: Architecture;
  /** The model as it was read; nothing is read of it here but what is exported unchanged. */
  readonly weights: Weights;
  /** Whether blocks are computed anew in the backward pass; false where left out. */
  readonly recompute?: boolean;
  readonly device: "cpu" | "cuda";
  /** The type of the weights; "auto" is bfloat16 on a GPU that has it, else float32. */
  readonly dtype: "auto" | "bfloat16" | "float32";
  /** Whether blocks are compiled by torch.compile. */
  readonly compile?: boolean;
  /** Whether each process holds a share of the weights instead of all. */
  readonly shard?: boolean;
  /** Threads on the CPU; as many as PyTorch sees fit where left out. */
  readonly threads?: number | undefined;
}

const loadedSchema = z.object({
  dtype: computeTypeSchema,
  deviceName: z.string().nullable(),
  sharded: z.boolean(),
  parameters: z.record(z.string(), z.array(z.int().nonnegative())),
});
const nothing = z.object({});

/** A model in a worker: what every program of this backend asks. */
export class TorchModel {
  readonly architecture: Architecture;
  readonly device: string;
  readonly about: BackendRecord;
  readonly shape: BackendShape;
  /** Shapes of the parameters that the worker holds. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  readonly weights: Weights;
  readonly recompute: boolean;
  readonly interruption = new Interruption();
  private readonly changedNames = new Set<string>();
  private readonly client: WorkerClient;

  private constructor(
    client: WorkerClient,
    { architecture, weights, device, recompute = false, compile = false }: LoadOptions,
    { dtype, deviceName, sharded, parameters }: z.infer<typeof loadedSchema>,
  ) {
    const { layers, hiddenSize, vocabSize, contextLength } = architecture;
    const linears = linearModules(architecture);
    this.shape = { layers, hiddenSize, vocabularySize: vocabSize, contextLength, linears };
    this.client = client;
    this.architecture = architecture;
    this.weights = weights;
    this.recompute = recompute;
    this.device = device;
    const { python: version, ...packages } = client.versions;
    const { python: path, processes, nodes } = client.setting;
    const python = { path, version, packages };
    const many = nodes === undefined ? {} : { nodes: nodes.count };
    this.about = {
      name: "torch",
      version: packages.torch,
      deviceName,
      dtype,
      processes,
      ...many,
      ...(compile && { compiled: true }),
      sharded,
      python,
    };
    this.parameters = new Map(Object.entries(parameters));
  }

  /**
   * Has a worker load a model.
   *
   * @throws DiscernError("architecture-unsupported") for a kind of model that the worker does not know; "device-unavailable".
   */
  static async load(client: WorkerClient, options: LoadOptions): Promise<TorchModel> {
    const { folder, device, dtype, threads = null, shard = false, compile = false } = options;
    const { processes } = client.setting;
    client.choices = { device, processes, dtype, shard, keeps: !(options.recompute ?? false) };
    const params = { folder, device, dtype, threads, shard, compile };
    const { result } = await client.request("load", params, loadedSchema);
    return new TorchModel(client, options, result);
  }

  /** Names of the weights that are no longer as they were read. */
  get changed(): ReadonlySet<string> {
    return this.changedNames;
  }

  noteChanged(name: string): void {
    this.changedNames.add(name);
  }

  /** Asks for a unit of work, before which work may be cut off, and at each part of its answer. */
  async ask<R>(
    method: string,
    params: object,
    schema: z.ZodType<R>,
    tensors?: Tensors,
    onPart?: (part: readonly unknown[]) => void,
  ): Promise<Answer<R>> {
    await this.interruption.pause();
    const told: OnPart | undefined =
      onPart &&
      (async (part) => {
        await this.interruption.pause();
        onPart(part);
      });
    return this.client.request(method, params, schema, tensors, told);
  }

  /** Memory and use of the processes and their devices; null where they cannot tell. */
  async use(): Promise<DeviceUse | null> {
    try {
      return (await this.client.request("use", {}, deviceUseSchema)).result;
    } catch {
      // What is wrong with the worker is reported by the work that it is asked for.
      return null;
    }
  }

  /** Asks for tensors alone. */
  async tensors(
    method: string,
    params: object,
    tensors?: Tensors,
    onPart?: (part: readonly unknown[]) => void,
  ): Promise<Tensors> {
    return (await this.ask(method, params, nothing, tensors, onPart)).tensors;
  }

  /** Has the worker forget what it holds for a piece of work, also where that was cut off. */
  async forget(method: string): Promise<void> {
    // What is wrong with the worker was reported by the work itself.
    await this.client.request(method, {}, nothing).catch(() => undefined);
  }

  async dispose(): Promise<void> {
    await this.client.stop();
  }
}

/** Rows as the worker takes them: what all begin with once, and of each row what is its own. */
export interface PackedRows<R extends object = object> {
  readonly prefix: Tokens;
  readonly rows: readonly (R & { readonly ids: Tokens })[];
  /** Tokens that each row is padded to. */
  readonly length: number;
}

/** Packs the rows of a batch. @param more what is said of each row beside its tokens. */
export function packed<R extends object>(
  { rows, prefix }: Pick<RowBatch, "rows" | "prefix">,
  more: (row: number) => R,
): PackedRows<R> {
  const own = ownTokens(rows, prefix);
  const length = own.reduce((most, { length }) => Math.max(most, length), 1);
  return { prefix, rows: own.map((ids, b) => ({ ids, ...more(b) })), length };
}

/** The only tensor of this name. */
export function tensor(tensors: Tensors, name: string): Float32Array {
  const found = tensors.get(name);
  if (!found) throw new Error(`the worker's reply lacks "${name}"`);
  return found.data;
}
