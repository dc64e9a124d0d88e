/**
 * The room in which `auto` is decided: by measurement, never by name alone. One decoder block of the model at hand is timed as a training
 * step runs it: by onnxruntime on cpu and on webgpu (`block.ts`), by PyTorch on a GPU or, on a processor with units for bfloat16, on the CPU
 * (`worker/trial.py`), each in a process that ends afterwards (`tryDevice.ts`, `torchTrial.ts`). `decide` takes the fastest and says why
 * in one sentence. What cannot be faster is not timed: no GPU in reach, a driver known to compute on the CPU (`adapter.ts`), a model so small
 * that starting a Python takes longer, and work so little that it is done before a Python has started (`workTime.ts`). Times are kept on the machine (`knownTrials.ts`).
 */
import { cpus } from "node:os";
import * as z from "zod";
import type { ComputeType, TorchOptions } from "../../../protocol/backend.ts";
import type { DeviceChoice } from "../../../protocol/device.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import type { Accelerator, UsablePython } from "../../../protocol/python.ts";
import { type Work, workWords } from "../../../protocol/work.ts";
import { availableMemory } from "../../../recipe/availableMemory.ts";
import { usableShare } from "../../../recipe/memoryPlan.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import { byteSize, duration } from "../../../wording/numbers.ts";
import { type Architecture, parameterShapes } from "../../model/architecture.ts";
import { choosePython } from "../../python/find.ts";
import { runtimeVersion } from "../onnx/runtime/device.ts";
import { noGpu } from "./adapter.ts";
import { type TrainedBlock, trialBatch } from "./block.ts";
import { decide, type TorchFound } from "./decide.ts";
import { knownTrial } from "./knownTrials.ts";
import { hasBfloat16 } from "./processor.ts";
import { standingChoice, standingPlace } from "./standing.ts";
import { type TorchVariant, torchTrialSchema, tryTorch } from "./torchTrial.ts";
import { type Trial, trialSchema } from "./trial.ts";
import { type TrialProgram, tryDevice } from "./tryDevice.ts";
import { startSeconds, workSeconds } from "./workTime.ts";

/** What is to be chosen from. */
export interface ChoiceOptions {
  /** Only devices of this backend; of both where left out. */
  readonly backend?: "onnx" | "torch" | undefined;
  readonly torch?: TorchOptions | undefined;
  readonly threads?: number | undefined;
  /** What the model is asked, where that is known and may be little: then the time that a backend takes to start counts. */
  readonly work?: Work | undefined;
  /** Folder against which `torch.python` is resolved, and whose environments are looked at. */
  readonly root?: string | undefined;
  /** The program that tries devices of the onnx backend. */
  readonly trial?: TrialProgram | undefined;
  /** The Python that PyTorch is tried with; looked for where left out. @throws DiscernError("python-unusable") */
  readonly python?: (() => Promise<UsablePython>) | undefined;
  /** Whether everything is timed anew. */
  readonly anew?: boolean | undefined;
  /** "ignored": what is measured, also where a default was set. */
  readonly standing?: "ignored" | undefined;
  /** Is told before something is timed that takes a while. */
  readonly onMeasuring?: (() => void) | undefined;
}

/** Operations of a pass below which PyTorch is not tried: Discern's demo model has five times as many. */
const worthFlops = 2e9;
/** Bytes that a buffer of WebGPU holds. */
const webgpuBuffer = 2 ** 31 - 4;
/** What is held beside the weights, on a GPU or in memory: activations and adapters of a usual batch, and what PyTorch takes for itself. */
const besideWeights = 1.5e9;

/** Choices of this process, by what was measured. */
const known = new Map<string, Promise<DeviceChoice>>();

/**
 * What `auto` stands for on this machine, for this model: the default that a person set, else what is measured. Bounded to a few minutes, done once on a machine for each shape; where no
 * GPU can be reached and no processor has units for bfloat16 nothing is started.
 *
 * @throws DiscernError("python-unusable") where the torch backend is named and no Python can run it; `request-invalid` as `standingPlace`.
 */
export async function chooseDevice(block: TrainedBlock, options: ChoiceOptions = {}): Promise<DeviceChoice> {
  const { backend, torch, threads, root, trial, work } = options;
  if (backend === "torch") return torchDevice(options);
  if (backend === undefined && options.standing !== "ignored") {
    const { backend: set = "auto", device = "auto" } = standingPlace() ?? {};
    if (device !== "auto") return standingChoice({ backend: set, device }, { named: torch?.python, root });
    if (set !== "auto") return chooseDevice(block, { ...options, backend: set });
  }
  const key = JSON.stringify([block, backend, torch, threads, root, trial, work]);
  let choice = known.get(key);
  if (!choice || options.anew) {
    choice = measure(block, options);
    known.set(key, choice);
  }
  return choice;
}

/** The device of a torch backend that was named: a GPU where its Python reaches one. Nothing is timed. */
async function torchDevice({ torch, root }: ChoiceOptions): Promise<DeviceChoice> {
  const python = await choosePython({ named: torch?.python, root }, "preferred");
  const gpu = gpusOf(python)[0];
  return {
    backend: "torch",
    device: gpu ? "cuda" : "cpu",
    reason: gpu ? `${python.executable} reaches ${gpu.name}` : `${python.executable} reaches no GPU`,
    python: python.executable,
  };
}

async function measure(block: TrainedBlock, options: ChoiceOptions): Promise<DeviceChoice> {
  const { found, gpuBytes } =
    options.backend === "onnx" ? nothingOf(null) : await considerTorch(block, options);
  const noWebgpu = noGpu() ?? tooLargeForWebgpu(block.architecture, gpuBytes);
  const webgpu = noWebgpu === null ? await onnxTrial("webgpu", block, options) : untried;
  const isTimed = [...(found !== null && "trials" in found ? found.trials : []), webgpu].some(
    ({ milliseconds }) => milliseconds !== null,
  );
  // One after the other: each would slow the other down.
  const cpu = isTimed ? await onnxTrial("cpu", block, options) : untried;
  const { work } = options;
  return decide({
    ...{ cpu, webgpu, noWebgpu, torch: found, batch: trialBatch(block.architecture) },
    work: work && {
      words: workWords(work),
      seconds: (one, milliseconds) => workSeconds(work, block, { ...one, milliseconds }),
    },
  });
}

/** A device that nothing is known of. */
const untried: Trial = { problem: null, software: null, milliseconds: null };

/** A decoder block on a device of the onnx backend. A driver may break between two runs, so only times of the CPU are kept. */
function onnxTrial(
  device: "cpu" | "webgpu",
  block: TrainedBlock,
  { threads, trial, anew = false, onMeasuring }: ChoiceOptions,
): Promise<Trial> {
  const make = () => {
    onMeasuring?.();
    return tryDevice({ device, block, ...(threads === undefined ? {} : { threads }) }, trial);
  };
  if (device === "webgpu" || trial !== undefined) return make();
  const key = ["onnx", runtimeVersion, machine(), threads ?? null, trialSize(block)];
  return knownTrial(key, trialSchema, { anew, make, keeps: ({ milliseconds }) => milliseconds !== null });
}

/** What is known of the torch backend, and the memory of the GPUs that its Python reaches. */
export interface Torch {
  readonly found: TorchFound | null;
  readonly gpuBytes: number | null;
}

function nothingOf(problem: string | null): Torch {
  return { found: problem === null ? null : { problem }, gpuBytes: null };
}

/** Times a block by PyTorch where that may be worth it. */
export async function considerTorch(block: TrainedBlock, options: ChoiceOptions): Promise<Torch> {
  const { torch, root, threads, anew = false, onMeasuring } = options;
  const find = options.python ?? (() => choosePython({ named: torch?.python, root }, "preferred"));
  if (trialBatch(block.architecture).flops < worthFlops)
    return nothingOf("the model is so small that starting PyTorch takes longer than it saves");
  const noUnits = "no GPU is in reach, and this processor has no units for bfloat16";
  if (noGpu() !== null && hasBfloat16() === false) return nothingOf(noUnits);
  const tooLittle = await notWorthStarting(block, options);
  if (tooLittle !== null) return nothingOf(tooLittle);
  let python: UsablePython;
  try {
    python = await find();
  } catch (error) {
    if (!(error instanceof DiscernError) || error.code !== "python-unusable") throw error;
    return nothingOf("no Python of this machine can run it (discern doctor says what each lacks)");
  }
  const gpus = gpusOf(python);
  const gpuBytes = gpus.length === 0 ? null : gpus.reduce((sum, { memory }) => sum + memory.total, 0);
  const { facts, executable } = python;
  const asked = torch?.dtype ?? "auto";
  if (gpus.length === 0 && !facts.cpu.bf16 && asked === "auto") return nothingOf(noUnits);
  const device = gpus.length > 0 ? "cuda" : "cpu";
  const isHalf = gpus.length > 0 ? gpus.every(({ bf16 }) => bf16) : facts.cpu.bf16;
  const dtype = asked === "auto" ? (isHalf ? "bfloat16" : "float32") : asked;
  const needed = weightBytes(block.architecture, dtype) + besideWeights;
  const takes = `the model takes about ${byteSize(needed)} in ${dtype}`;
  if (gpuBytes !== null && needed > gpuBytes) {
    const own = gpus.length === 1 ? "the GPU has" : `${gpus.length} GPUs have`;
    return { ...nothingOf(`${takes}, and ${own} ${byteSize(gpuBytes)}`), gpuBytes };
  }
  if (gpuBytes === null) {
    // onnx reads weights block by block where they do not fit; PyTorch would refuse the run.
    const { bytes } = await availableMemory();
    if (needed > usableShare * bytes) return nothingOf(`${takes}, and ${byteSize(bytes)} of memory is free`);
  }
  const variants = variantsOf(device, dtype, facts.compiler, torch?.compile ?? false);
  const key = [
    ...["torch", executable, facts.packages.torch, facts.packages.transformers, machine()],
    ...[device, gpus[0]?.name ?? null, threads ?? null, variants, trialSize(block)],
  ];
  const trials = await knownTrial(key, z.array(torchTrialSchema), {
    anew,
    keeps: (found) => found.every(({ problem }) => problem === null),
    make() {
      onMeasuring?.();
      return tryTorch({ python: executable, device, threads, block, variants });
    },
  });
  return { found: { python: executable, device, trials }, gpuBytes };
}

/** Why PyTorch is not even asked: the CPU has done the work before it has started. Null where that is not so, or the work is not known. */
async function notWorthStarting(block: TrainedBlock, options: ChoiceOptions): Promise<string | null> {
  const { work } = options;
  if (work === undefined) return null;
  const { milliseconds } = await onnxTrial("cpu", block, options);
  if (milliseconds === null) return null;
  const alone = workSeconds(work, block, { backend: "onnx", milliseconds });
  const start = startSeconds({ backend: "torch" });
  if (alone > start) return null;
  return `it takes about ${duration(start)} to start, and onnx on the CPU takes about ${duration(alone)} for ${workWords(work)}, its start included`;
}

/** How a block is timed by PyTorch: compiling pays on the CPU, and on a GPU where it is asked for. */
function variantsOf(
  device: "cpu" | "cuda",
  dtype: ComputeType,
  compiler: boolean,
  asked: boolean,
): TorchVariant[] {
  const compiled = asked || (device === "cpu" && compiler);
  return [...(asked ? [] : [{ dtype, compiled: false }]), ...(compiled ? [{ dtype, compiled: true }] : [])];
}

/** GPUs that the torch backend computes on. */
function gpusOf({ facts }: UsablePython): Accelerator[] {
  return facts.accelerators.filter(({ kind }) => kind !== "mps");
}

/** Why WebGPU cannot hold a model in float32, in which the onnx backend computes there; null where it may. */
export function tooLargeForWebgpu(architecture: Architecture, gpuBytes: number | null): string | null {
  const largest = greatestOf([...parameterShapes(architecture).values()].map((shape) => 4 * elements(shape)));
  if (largest > webgpuBuffer)
    return `the model's largest weight takes ${byteSize(largest)} in float32, and a buffer there holds ${byteSize(webgpuBuffer)}`;
  const needed = weightBytes(architecture, "float32");
  return gpuBytes !== null && needed > gpuBytes
    ? `the model takes ${byteSize(needed)} in float32, and the GPU has ${byteSize(gpuBytes)}`
    : null;
}

function weightBytes(architecture: Architecture, dtype: ComputeType): number {
  const numbers = [...parameterShapes(architecture).values()].reduce(
    (sum, shape) => sum + elements(shape),
    0,
  );
  return numbers * (dtype === "float32" ? 4 : 2);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** What of a block decides how long it takes. */
function trialSize({ architecture, rank }: TrainedBlock): unknown {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = architecture;
  return [hiddenSize, intermediateSize, heads, kvHeads, headDim, rank, trialBatch(architecture)];
}

/** The processor, by which times of one machine are told from those of another that shares its home. */
function machine(): unknown {
  return [cpus()[0]?.model ?? null, cpus().length];
}
