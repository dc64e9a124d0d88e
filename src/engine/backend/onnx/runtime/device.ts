/**
 * The room of execution, and the only one that imports onnxruntime. A `Device` compiles a graph into a `Program`; a program
 * takes named `Value`s and gives named `Value`s. A value lies in host memory, shared with the typed array it was made from, or in
 * a buffer of the GPU; on a device that keeps values in buffers (`resident`), weights, moments and caches stay there between
 * runs, and only what a caller reads comes back. Compiling costs about a millisecond a node and running blocks the thread, so programs
 * are kept by bucket of shapes (`programCache.ts`) and work can be cut off between two runs alone (`Device.interruptible`).
 */
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import type { OnnxDeviceName } from "../../../../protocol/device.ts";
import { DiscernError } from "../../../../protocol/errors.ts";
import type { Kernels } from "../../../model/forms.ts";
import { Interruption } from "../../interruption.ts";
import { fold } from "../graph/fold.ts";
import { lower } from "../graph/lower.ts";
import { type OnnxGraph, toOnnx } from "../graph/onnx.ts";
import { apply, ops } from "../graph/ops.ts";
import type { Shape } from "../graph/shape.ts";
import { type DType, input, type Tensor } from "../graph/tensor.ts";
import { Program } from "./program.ts";
import { type HostData, Value } from "./value.ts";

const help: Record<OnnxDeviceName, string> = {
  cpu: "The prebuilt onnxruntime library did not load; `npm ci` installs it (glibc 2.28 or newer on Linux).",
  webgpu:
    "WebGPU needs a GPU driver with Vulkan (Linux), D3D12 (Windows) or Metal (macOS). On Linux install libvulkan1 and your GPU's driver, " +
    "and check with `vulkaninfo`; `discern doctor` then says whether it is faster than the CPU.",
};

// What goes wrong is thrown; onnxruntime would also print it in red, even where a device is only tried.
ort.env.logLevel = "fatal";

/** The version of onnxruntime-node. */
export const runtimeVersion: string = ort.env.versions.node ?? ort.env.versions.common;

/**
 * What onnxruntime does to graphs by itself and must not: turn back the products that `fold.ts` turned round, and widen a weight
 * once for all its readers, so that it would lie there in float32 from the forward to the backward pass.
 */
function disabled({ widens }: OnnxGraph): string {
  return ["GemmTransposeFusion", ...(widens ? ["CommonSubexpressionElimination"] : [])].join(";");
}

/** How a graph is compiled. */
export interface CompileOptions {
  /** Names of outputs that stay on the device between runs. */
  readonly resident?: readonly string[];
  /** Whether it is only tried, so that what goes wrong is not printed. */
  readonly isTrial?: boolean;
}

/** How a device is opened. */
export interface DeviceOptions {
  /** Intra-op threads on the CPU; one per physical core where left out. */
  readonly threads?: number | undefined;
  /**
   * Folder that onnxruntime's trace of each graph is written to when the graph is disposed: which node ran on which
   * execution provider, and for how long. Tracing slows every node down.
   */
  readonly profile?: string;
}

/**
 * Where graphs run. All devices answer to this one class; the graph, the trainer and the probes do not know which
 * they are on.
 */
export class Device {
  readonly name: OnnxDeviceName;
  readonly threads: number | undefined;
  private readonly profile: string | undefined;
  private compiled = 0;
  private readonly copies = new Map<string, Promise<Program>>();
  private float16: Promise<boolean> | undefined;
  private readonly interruption = new Interruption();

  private constructor(name: OnnxDeviceName, { threads, profile }: DeviceOptions) {
    this.name = name;
    this.threads = threads;
    this.profile = profile;
  }

  /**
   * Starts a device and proves that it computes.
   *
   * @throws DiscernError("device-unavailable") that names what to install.
   */
  static async open(name: OnnxDeviceName, options: DeviceOptions = {}): Promise<Device> {
    const device = new Device(name, options);
    try {
      // On the CPU an upload alone runs nothing, so a sum is computed too.
      const x = await device.upload(Float32Array.of(1, 2), [2]);
      const program = await device.compile({ y: ops.add(input("x", [2]), 1) });
      const { y } = await program.run({ x });
      if (y.data[1] !== 3) throw new Error(`it makes ${y.data[1]} of 2 + 1`);
      await program.dispose();
      x.dispose();
    } catch (cause) {
      const said = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      // onnxruntime puts the place in its own source before the reason.
      const reason = said.replace(/^\/.* was false\. /, "");
      throw new DiscernError(
        "device-unavailable",
        `The device "${name}" did not start: ${reason}. ${help[name]}`,
        { cause },
      );
    }
    return device;
  }

  /** What kernels there are here. Whether a GPU computes with float16 is tried once. */
  async kernels(): Promise<Kernels> {
    this.float16 ??= this.name === "cpu" ? Promise.resolve(true) : this.computesFloat16();
    return { device: this.name, float16: await this.float16 };
  }

  private async computesFloat16(): Promise<boolean> {
    try {
      const stored = { kind: "float16", scaled: false, columns: 1, gathered: false } as const;
      const y = apply("widen", [input("x", [1, 1], "float16")], stored);
      const program = await this.compile({ y: ops.add(y, 1) }, { isTrial: true });
      const one = Value.of(Uint16Array.of(0x3c00), [1, 1], "float16");
      const found = await program.run({ x: one }).finally(() => program.dispose());
      return found.y.data[0] === 2;
    } catch {
      return false;
    }
  }

  /** Values stay in GPU buffers between runs. */
  get resident(): boolean {
    return this.name === "webgpu";
  }

  /**
   * Compiles the graph of `outputs`. Folding happens here, so every graph has it.
   * Cost: about 1 ms a node of graph optimisation; keep programs, do not recompile them.
   */
  async compile(outputs: Readonly<Record<string, Tensor>>, options: CompileOptions = {}): Promise<Program> {
    const names = Object.keys(outputs);
    const folded = fold(lower(Object.values(outputs)), this.name);
    const graph = toOnnx(Object.fromEntries(names.map((name, i) => [name, folded[i]])), this.name);
    const kept = this.resident ? (options.resident ?? []) : [];
    const session = await ort.InferenceSession.create(graph.model, {
      executionProviders: [this.name],
      graphOptimizationLevel: "all",
      // Planning memory ahead makes onnxruntime hold two copies of the activations (a LoRA step on SmolLM2-135M
      // peaks at 1.6 GB instead of 2.4 GB without), and an arena a session would hold one copy for each bucket of
      // lengths. With neither, all sessions share the allocator of the process, at the same speed where that
      // allocator keeps what it is given back (`server/launch.ts`).
      enableCpuMemArena: false,
      enableMemPattern: false,
      logSeverityLevel: options.isTrial ? 4 : 3,
      extra: { optimization: { disable_specified_optimizers: disabled(graph) } },
      ...(this.threads ? { intraOpNumThreads: this.threads } : {}),
      ...(this.profile
        ? { enableProfiling: true, profileFilePrefix: join(this.profile, `graph-${++this.compiled}`) }
        : {}),
      ...(kept.length
        ? {
            preferredOutputLocation: Object.fromEntries(
              names.map((n) => [n, kept.includes(n) ? "gpu-buffer" : "cpu"]),
            ),
          }
        : {}),
    });
    return new Program(session, graph, () => this.interruption.pause());
  }

  /**
   * Does work that can be cut off: before each run of a graph the event loop turns, so that signals and messages are heard,
   * and `check` is asked. Whatever computes with this device meanwhile thus ends within one batch.
   *
   * @param check throws to end the work.
   * @throws what `check` and `work` throw.
   */
  interruptible<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    return this.interruption.during(check, work);
  }

  /** Puts an array where the device wants it. On the CPU the value shares the array. */
  async upload(data: HostData, shape: Shape, dtype?: DType): Promise<Value> {
    const value = Value.of(data, shape, dtype);
    if (!this.resident) return value;
    const program = await this.copy(shape, true, value.tensor.type as DType);
    return (await program.run({ x: value })).y;
  }

  /**
   * The elements of a value in host memory. From a GPU buffer they travel through an identity graph whose output
   * lies on the host: `getData()` on such a tensor aborts the process in onnxruntime-node 1.30.
   */
  async download(value: Value): Promise<Float32Array> {
    if (!value.onDevice) return value.data;
    const program = await this.copy(value.shape, false);
    return (await program.run({ x: value })).y.data;
  }

  /** Frees the graphs that carry values to and from the device. Programs and values are their owners' to free. */
  async dispose(): Promise<void> {
    const copies = [...this.copies.values()];
    this.copies.clear();
    for (const program of copies) await (await program).dispose();
  }

  private copy(shape: Shape, toDevice: boolean, dtype: DType = "float32"): Promise<Program> {
    const key = `${toDevice}:${dtype}:${shape.join(",")}`;
    let program = this.copies.get(key);
    if (!program) {
      program = this.compile({ y: input("x", shape, dtype) }, { resident: toDevice ? ["y"] : [] });
      this.copies.set(key, program);
    }
    return program;
  }
}
