import { type MemoryPlanRecord, torchSchema } from "../../protocol/backend.ts";
import type { DeviceChoice, DeviceName, OnnxDeviceName } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Accelerator } from "../../protocol/python.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Work } from "../../protocol/work.ts";
import { chosenPlacement, namedBackend, type Placement, placementFaults } from "../../recipe/placement.ts";
import { trainsWeights } from "../../recipe/torchMemory.ts";
import { planProcesses, worldOf } from "../../recipe/torchProcesses.ts";
import { leastOf } from "../../statistics/extremes.ts";
import type { Architecture } from "../model/architecture.ts";
import { type LoadedModel, parameterCount } from "../model/load.ts";
import type { OnProgress } from "../model/weights.ts";
import { choosePython } from "../python/find.ts";
import type { Backend } from "./backend.ts";
import type { ClassifierOptions, TextClassifier } from "./classifier.ts";
import { commonRank } from "./deviceChoice/block.ts";
import { chooseDevice } from "./deviceChoice/choose.ts";
import { heldMemory, torchMemory } from "./heldMemory.ts";
import { LiveModel } from "./onnx/decoder/liveModel.ts";
import { OnnxBackend } from "./onnx/onnxBackend.ts";
import { OnnxContrastTerms } from "./onnx/programs/featureTerms.ts";
import { OnnxClassifier } from "./onnx/runtime/classifier.ts";
import { Device } from "./onnx/runtime/device.ts";
import { type JoinOptions, joinWorker } from "./torch/join.ts";
import { joinCommand } from "./torch/joinCommand.ts";
import { modelFolder } from "./torch/modelFolder.ts";
import { TorchBackend } from "./torch/torchBackend.ts";
import { TorchModel } from "./torch/torchModel.ts";
import { WorkerClient } from "./torch/workerClient.ts";

/** Where a model is to run; a backend that is left out is `auto`. */
export interface BackendOptions extends Partial<Omit<Placement, "device">> {
  readonly device: DeviceName | "auto";
  /** Folder against which a Python that `torch.python` names is resolved. */
  readonly root?: string | undefined;
  /** Threads on the CPU; one per physical core where left out. */
  readonly threads?: number | undefined;
  /** Rank of the adapters that will be trained, which `auto` measures with; null where the weights themselves are. */
  readonly rank?: number | null;
  /** What the model will be asked, where that may be little: then the time that a backend takes to start counts for `auto`. */
  readonly work?: Work | undefined;
  /** Is told before blocks are timed, which may take minutes the first time on a machine. */
  readonly onMeasuring?: (() => void) | undefined;
  /** Is told what `auto` chose, where that took a measurement. */
  readonly onDevice?: (choice: DeviceChoice) => void;
  /** What will be done with the model, which its memory is planned by; where left out, prompts are answered. */
  readonly recipe?: Recipe | undefined;
  /** How an earlier part of the same run held the model: kept where it fits. */
  readonly memoryBefore?: MemoryPlanRecord["mode"] | undefined;
  /** Bytes of memory that may be used; what is available where left out. */
  readonly availableMemory?: number | undefined;
  /** Follows the reading of the weights, and ends it by what it throws. */
  readonly onProgress?: OnProgress;
  /** Is told, in one sentence, what takes time before anything is computed. */
  readonly onStatus?: ((status: string) => void) | undefined;
}

/** A model on its backend, and why it is there where `auto` was asked for. */
export interface Opened {
  readonly backend: Backend;
  readonly deviceChoice: DeviceChoice | null;
  /** What stays in memory. */
  readonly memoryPlan: MemoryPlanRecord;
}

/**
 * Opens a backend on a model: the one place that knows which there are.
 *
 * @throws DiscernError("device-unavailable") that names what to install, "python-unusable"; "weights-invalid".
 */
export async function openBackend(options: BackendOptions, loaded: LoadedModel): Promise<Opened> {
  const { backend = "auto", device, memory = "auto", torch = torchSchema.parse({}) } = options;
  const [fault] = placementFaults({ backend, device, memory });
  if (fault) throw new DiscernError("request-invalid", fault.message);
  const asked = { backend, device, memory, torch };
  const deviceChoice = await chosen(asked, options, loaded.architecture);
  const placement = deviceChoice === null ? asked : chosenPlacement(asked, deviceChoice);
  if (namedBackend(placement) === "torch") {
    return { ...(await openTorch({ ...options, ...placement }, loaded)), deviceChoice };
  }
  const name = placement.device === "webgpu" ? "webgpu" : "cpu";
  return { ...(await openOnnx(name, options, loaded)), deviceChoice };
}

/** What `auto` stands for in a placement; null where it names its device. */
async function chosen(
  { backend, device, torch }: Placement,
  { threads, root, rank = commonRank, work, onMeasuring, onDevice }: BackendOptions,
  architecture: Architecture,
): Promise<DeviceChoice | null> {
  if (device !== "auto") return null;
  const among = backend === "auto" ? {} : { backend };
  const options = { ...among, torch, threads, root, work, onMeasuring };
  const choice = await chooseDevice({ architecture, rank }, options);
  const wasTimed = choice.candidates?.some(({ milliseconds }) => milliseconds !== null);
  if (wasTimed) onDevice?.(choice);
  return choice;
}

async function openOnnx(
  name: OnnxDeviceName,
  { memory = "auto", recipe, memoryBefore, availableMemory, threads, onProgress }: BackendOptions,
  loaded: LoadedModel,
): Promise<Omit<Opened, "deviceChoice">> {
  // A device fails in a moment, weights take their time.
  const device = await Device.open(name, { threads });
  let model: LiveModel | undefined;
  try {
    const work = { memory, recipe, before: memoryBefore, available: availableMemory };
    const { plan, record } = await heldMemory(loaded, name, work);
    model = new LiveModel(device, loaded.architecture, loaded.weights, plan);
    await model.readAll(onProgress);
    return { backend: new OnnxBackend(model), memoryPlan: record };
  } catch (error) {
    await model?.dispose();
    await device.dispose();
    throw error;
  }
}

async function openTorch(
  options: BackendOptions & Placement,
  loaded: LoadedModel,
): Promise<Omit<Opened, "deviceChoice">> {
  const { device, memory, recipe, torch, threads, root, onStatus, onProgress } = options;
  const { architecture, weights } = loaded;
  const gpu = device === "cuda" ? "required" : device === "cpu" ? "unused" : "preferred";
  const { executable: python, facts } = await choosePython({ named: torch.python, root }, gpu);
  const placed = device === "cpu" || facts.accelerators.length === 0 ? "cpu" : "cuda";
  const accelerators = placed === "cpu" ? [] : facts.accelerators;
  const { processes, shard, dtype } = planProcesses(torch, accelerators, parameterCount(architecture));
  const { nodes, compile } = torch;
  if (compile && !facts.compiler) {
    throw new DiscernError(
      "python-unusable",
      `torch.compile needs a C++ compiler, and ${python} finds none. Install g++ or clang, or set torch.compile to false.`,
    );
  }
  const place = { device: placed, dtype, processes, world: worldOf(torch, processes), shard } as const;
  if (shard && recipe && trainsWeights(recipe)) throw new DiscernError("recipe-invalid", sharesAreFrozen);
  const work = { memory, recipe, before: options.memoryBefore, available: options.availableMemory };
  const { plan, record } = await torchMemory(loaded, place, work, smallest(accelerators));
  onStatus?.(`Starting PyTorch: ${processes === 1 ? "a process" : `${processes} processes`} of ${python}`);
  if (nodes) onStatus?.(`Start on each of the other machines: ${joinCommand(nodes, processes)}`);
  const look = () => onProgress?.({ done: 0, total: 1 });
  const client = await cutOff(WorkerClient.start({ python, processes, nodes, threads }), look, (late) =>
    late.stop(),
  );
  try {
    const folder = await modelFolder(loaded);
    const recompute = plan.mode === "recompute";
    const placing = { device: placed, dtype, shard, compile, threads, recompute } as const;
    const load = TorchModel.load(client, { folder, architecture, weights, ...placing });
    const model = await cutOff(load, look);
    onProgress?.({ done: 1, total: 1 });
    return { backend: new TorchBackend(model, new OnnxContrastTerms()), memoryPlan: record };
  } catch (error) {
    await client.stop();
    throw error;
  }
}

const sharesAreFrozen =
  "Full-weight training does not run on weights in shares (torch.shard). Train an adapter (train.method lora), or let each process hold all " +
  'weights: torch.shard: "replicate".';

/** Bytes of the GPU that has least, and the least that is free where GPUs say so; null where there are none. */
function smallest(
  accelerators: readonly Accelerator[],
): { readonly free: number | null; readonly total: number } | null {
  if (accelerators.length === 0) return null;
  const free = accelerators.flatMap(({ memory }) => memory.free ?? []);
  const total = leastOf(accelerators.map(({ memory }) => memory.total));
  return { free: free.length === 0 ? null : leastOf(free), total };
}

/**
 * Waits for work that says nothing until it is done, and asks now and then whether it is still wanted.
 *
 * @param look throws where it is not. @param leave what is done with what comes too late.
 */
async function cutOff<T>(work: Promise<T>, look: () => void, leave?: (late: T) => Promise<void>): Promise<T> {
  const unwanted = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    try {
      look();
    } catch (error) {
      unwanted.reject(error);
    }
  }, 200);
  try {
    return await Promise.race([work, unwanted.promise]);
  } catch (error) {
    void work.then(leave, () => undefined);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Runs the processes of this machine in the work of an engine on another one, until that is over. @throws as `joinWorker`. */
export function joinTorch(options: JoinOptions): Promise<void> {
  return joinWorker(options);
}

/** Opens a text classifier. @param file its ONNX file. @throws DiscernError `model-invalid`. */
export function openClassifier(file: string, options: ClassifierOptions): Promise<TextClassifier> {
  return OnnxClassifier.open(file, options);
}
