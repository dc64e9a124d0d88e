import { leastOf } from "../../../statistics/extremes.ts";
import { type Architecture, linearModules, parameterShapes } from "../../model/architecture.ts";
import { causalAttention } from "../onnx/decoder/attention.ts";
import { Decoder } from "../onnx/decoder/decoder.ts";
import { type LoraSpec, ParameterInputs } from "../onnx/decoder/parameters.ts";
import { gradients } from "../onnx/graph/autodiff.ts";
import { ops } from "../onnx/graph/ops.ts";
import { type Shape, size } from "../onnx/graph/shape.ts";
import { input, scalar, type Tensor } from "../onnx/graph/tensor.ts";
import type { Device } from "../onnx/runtime/device.ts";
import type { Value } from "../onnx/runtime/value.ts";

/** A decoder block as a stage would train it. */
export interface TrainedBlock {
  readonly architecture: Architecture;
  /** Rank of the LoRA adapters on all linear modules; null where the weights themselves are trained. */
  readonly rank: number | null;
}

/** The rank that is measured where nothing is said of training: the one that recipes have by default. */
export const commonRank = 16;

/** Rows of a usual batch of a training step, where the block is small enough, and tokens per row. */
const [mostRows, rowTokens] = [8, 64];
/** Floating-point operations of a pass that a CPU does in about a second. */
const mostFlops = 60e9;

/** What a block is timed over, on every device alike: as many rows of a usual batch as a CPU computes in about a second. */
export function trialBatch(architecture: Architecture): {
  readonly rows: number;
  readonly tokens: number;
  readonly flops: number;
} {
  const tokens = Math.min(rowTokens, architecture.contextLength);
  const weights = linearModules(architecture).reduce(
    (sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures,
    0,
  );
  // Forward, and backward to what is read and to what is trained.
  const flopsOfRow = 6 * weights * tokens;
  const rows = Math.min(mostRows, Math.max(1, Math.floor(mostFlops / flopsOfRow)));
  return { rows, tokens, flops: rows * flopsOfRow };
}
/** Runs that are not counted: the first compiles shaders, the second finds everything in place. */
const warmUps = 2;
/** Runs end at this many, or once so many milliseconds have passed. One is made in any case. */
const [mostRuns, enoughMs] = [9, 1_000];

/**
 * Milliseconds that a device takes for one training pass of one decoder block over the tokens of {@link trialBatch}: forward, backward to
 * what is trained and to the block's input, and the squared norm of the gradients on the host, as a training step
 * computes it. Compiling and uploading are not counted, dispatching is. The fastest of several runs: what slows one down is other work
 * of the machine, and a time that is kept should not depend on that.
 */
export async function blockMilliseconds(device: Device, block: TrainedBlock): Promise<number> {
  const outputs = trainingPass(block);
  const resident = Object.keys(outputs).filter((name) => name !== "squaredNorm");
  const program = await device.compile(outputs, { resident });
  const feeds: Record<string, Value> = {};
  for (const { name, shape } of program.inputs) feeds[name] = await device.upload(plausible(shape), shape);
  const once = async (): Promise<number> => {
    const start = performance.now();
    const results = await program.run(feeds);
    const milliseconds = performance.now() - start;
    for (const value of Object.values(results)) value.dispose();
    return milliseconds;
  };
  const repeated = async (most: number): Promise<number[]> => {
    const runs: number[] = [];
    const begun = performance.now();
    do runs.push(await once());
    while (runs.length < most && performance.now() - begun < enoughMs);
    return runs;
  };
  await repeated(warmUps);
  const runs = await repeated(mostRuns);
  for (const value of Object.values(feeds)) value.dispose();
  await program.dispose();
  return leastOf(runs);
}

/** The graph of a training pass of block 0: all gradients, and the sum of their squares. */
function trainingPass({ architecture, rank }: TrainedBlock): Record<string, Tensor> {
  const plan = new Map<string, LoraSpec>(
    rank === null
      ? []
      : linearModules(architecture).map(({ name }) => [`model.layers.0.${name}`, { rank, scale: 1 }]),
  );
  const parameters = new ParameterInputs(parameterShapes(architecture), plan);
  const { rows, tokens } = trialBatch(architecture);
  const layout = { prefix: 0, batch: rows, length: tokens };
  const x = input("x", [layout.batch * layout.length, architecture.hiddenSize]);
  const y = new Decoder(architecture, parameters).blocks(x, 0, 1, causalAttention(architecture, layout));
  const trained = parameters.all().filter(({ name }) => rank === null || name.includes(".lora_"));
  const outputs: Record<string, Tensor> = {};
  let squares: Tensor = scalar(0);
  for (const [i, gradient] of gradients(ops.sumSquare(y, [0, 1]), [x, ...trained]).entries()) {
    if (gradient === null) continue;
    outputs[`grad.${i}`] = gradient;
    squares = ops.add(squares, ops.sumSquare(gradient, [...gradient.shape.keys()]));
  }
  outputs.squaredNorm = squares;
  return outputs;
}

/** Numbers in the range of a model's own: ones for norms, else a sawtooth of ±0.02, filled by doubling. */
function plausible(shape: Shape): Float32Array {
  const data = new Float32Array(size(shape));
  if (shape.length === 1) return data.fill(1);
  const period = Math.min(data.length, 1_021);
  for (let i = 0; i < period; i++) data[i] = 0.04 * (((i * 389) % 1_021) / 1_021 - 0.5);
  for (let done = period; done < data.length; done *= 2)
    data.copyWithin(done, 0, Math.min(done, data.length - done));
  return data;
}
