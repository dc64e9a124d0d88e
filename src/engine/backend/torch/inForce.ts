/**
 * Interventions in requests to the worker. It is told what each one reads and writes, and for each row of a batch which of its
 * tokens are changed and by what factor; it answers with what was done to each row.
 */
import type { Parameter } from "../../model/weights.ts";
import { layersRun, rangeOf, readAndWrite, scaleOf } from "../acting.ts";
import type { MeasureOptions } from "../backend.ts";
import type { RowBatch } from "../batching.ts";
import { checkInterventions } from "../checkSites.ts";
import { EffectSums } from "../effectSums.ts";
import type { Intervention } from "../interventions.ts";
import { type PackedRows, type TorchModel, tensor } from "./torchModel.ts";
import type { Tensors } from "./wire.ts";

/** Numbers that the worker sums up of an intervention and a row: activations, ‖x' − x‖, ‖x‖, and ‖x' − x‖/‖x‖. */
const sumsPerRow = 4;

/** Which rows of the call a batch holds, and how many tokens of each are its prompt. */
export interface BatchPrompts extends Pick<RowBatch, "indices"> {
  readonly promptLengths: readonly number[];
  /** Blocks that are run, from the first; all where left out. */
  readonly blocks?: number;
}

/** The interventions in force during one call of a backend, and what they did so far. */
export class InForce {
  private readonly model: TorchModel;
  private readonly options: MeasureOptions;
  private readonly interventions: readonly Intervention[];
  private readonly sums: EffectSums;
  /** What they read and write, by tensor. */
  private readonly vectors = new Map<string, Parameter>();

  /**
   * @param prompts how many the call has.
   * @throws DiscernError("request-invalid") for an intervention that does not fit the model or the prompts.
   */
  constructor(model: TorchModel, prompts: number, options: MeasureOptions = {}) {
    const { interventions = [] } = options;
    checkInterventions(model.shape, interventions, prompts);
    this.model = model;
    this.options = options;
    this.interventions = interventions;
    this.sums = new EffectSums(interventions.length, prompts);
    for (const [i, { action }] of interventions.entries()) {
      const { read, write } = readAndWrite(action);
      if (read) this.vectors.set(`intervention.${i}.read`, vector(read));
      this.vectors.set(`intervention.${i}.write`, vector(write));
    }
  }

  /** Asks the worker for the tensors of a batch under the interventions. @param onPart is given parts of the answer before all of it. */
  async tensors(
    method: string,
    request: PackedRows,
    prompts: BatchPrompts,
    onPart?: (part: readonly unknown[]) => void,
  ): Promise<Tensors> {
    if (this.interventions.length === 0) return this.model.tensors(method, request, undefined, onPart);
    const { promptLengths, blocks = this.model.shape.layers } = prompts;
    const prefix = request.prefix.length;
    const params = {
      ...request,
      rows: request.rows.map((row, b) => ({ ...row, prompt: promptLengths[b]! - prefix })),
      interventions: this.interventions.map(({ site, action, restoreNorm = false }) => ({
        ...site,
        reads: readAndWrite(action).reads,
        restoreNorm,
      })),
    };
    const found = await this.model.tensors(
      method,
      params,
      new Map([...this.vectors, ...this.ranges(prompts)]),
      onPart,
    );
    this.note(found, prompts);
    this.noteRun(
      request.rows.reduce((sum, { ids }) => sum + ids.length, prefix),
      blocks,
    );
    return found;
  }

  /** Notes that so many tokens went through the first blocks. */
  noteRun(tokens: number, blocks: number = this.model.shape.layers): void {
    for (const [i, { site }] of this.interventions.entries()) {
      this.sums.addAll(i, tokens * layersRun(site, blocks).length);
    }
  }

  /** Reports what the interventions did in this call. */
  report(): void {
    const effects = this.sums.effects();
    if (effects.length > 0) this.options.onEffects?.(effects);
  }

  /** For each intervention and row the tokens [first, end) and the factor, by tensor. */
  private ranges({ indices, promptLengths }: BatchPrompts): Map<string, Parameter> {
    return new Map(
      this.interventions.flatMap((each, i) => {
        const ranges = indices.map((prompt, b) => rangeOf(each.positions, prompt, promptLengths[b]!));
        const named = (name: string, values: readonly number[]): [string, Parameter] => [
          `intervention.${i}.${name}`,
          vector(Float32Array.from(values)),
        ];
        return [
          named(
            "first",
            ranges.map(([first]) => first),
          ),
          named(
            "end",
            ranges.map(([, end]) => end),
          ),
          named(
            "scale",
            indices.map((prompt) => scaleOf(each, prompt)),
          ),
        ];
      }),
    );
  }

  /** Adds up what a batch did: to each row, and to the tokens that all begin with, which were run once. */
  private note(found: Tensors, { indices }: BatchPrompts): void {
    const rows = tensor(found, "effects");
    const shared = tensor(found, "sharedEffects");
    for (const i of this.interventions.keys()) {
      const sumsOf = (data: Float32Array, row: number) => {
        const start = (row * this.interventions.length + i) * sumsPerRow;
        const [activations, change, norm, ratios] = data.subarray(start, start + sumsPerRow);
        return { activations: activations!, change: change!, norm: norm!, ratios: ratios! };
      };
      const common = sumsOf(shared, 0);
      this.sums.add(i, common);
      for (const [b, prompt] of indices.entries()) {
        const own = sumsOf(rows, b);
        this.sums.add(i, own);
        this.sums.addRatios(i, prompt, own.ratios + common.ratios, own.activations + common.activations);
      }
    }
  }
}

function vector(data: Float32Array): Parameter {
  return { shape: [data.length], data };
}
