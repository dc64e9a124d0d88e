import type * as ort from "onnxruntime-node";
import type { OnnxGraph } from "../graph/onnx.ts";
import { sameShape } from "../graph/shape.ts";
import { Value } from "./value.ts";

/** Named values, as fed or fetched. */
export type Values = Readonly<Record<string, Value>>;

/** A compiled graph. One `run` is one pass over all of it and blocks the thread. */
export class Program {
  private readonly session: ort.InferenceSession;
  readonly inputs: OnnxGraph["inputs"];
  readonly outputs: OnnxGraph["outputs"];
  private readonly before: () => Promise<void>;

  /** @param before is awaited before each run, and keeps it from happening by what it throws. */
  constructor(session: ort.InferenceSession, graph: OnnxGraph, before: () => Promise<void>) {
    this.session = session;
    this.before = before;
    this.inputs = graph.inputs;
    this.outputs = graph.outputs;
  }

  /**
   * Computes every output.
   *
   * @param feeds a value for each input; more than the graph uses may be given, so that one table of weights
   *   serves every program.
   * @param into host values that outputs are written to instead of fresh memory. One may be the very array that is
   *   fed: the optimiser updates weights in place, since each new weight is written after its last reader.
   * @throws Error that names a missing feed or one of the wrong shape; what cuts the work off (`Device.interruptible`).
   */
  async run(feeds: Values, into: Values = {}): Promise<Record<string, Value>> {
    await this.before();
    const fed: Record<string, ort.Tensor> = {};
    for (const { name, shape } of this.inputs) {
      const value = feeds[name];
      if (!value) throw new Error(`the graph reads "${name}", which was not fed`);
      if (!sameShape(value.shape, shape)) {
        throw new Error(
          `"${name}" was fed as [${value.shape.join(", ")}], the graph reads [${shape.join(", ")}]`,
        );
      }
      fed[name] = value.tensor;
    }
    const fetches = Object.fromEntries(this.outputs.map(({ name }) => [name, into[name]?.tensor ?? null]));
    const results = await this.session.run(fed, fetches);
    return Object.fromEntries(
      this.outputs.map(({ name }) => [name, into[name] ?? Value.from(results[name] as ort.Tensor)]),
    );
  }

  /** Frees the compiled graph. */
  async dispose(): Promise<void> {
    await this.session.release();
  }
}
