import type { ComputeType } from "../../../protocol/backend.ts";
import type { Candidate, DeviceChoice } from "../../../protocol/device.ts";
import { duration, milliseconds } from "../../../wording/numbers.ts";
import type { TorchTrial } from "./torchTrial.ts";
import type { Trial } from "./trial.ts";

/** What was found of the torch backend: why it was not considered, or what became of its trials. */
export type TorchFound =
  | { readonly problem: string }
  | { readonly python: string; readonly device: "cpu" | "cuda"; readonly trials: readonly TorchTrial[] };

/** What was found of everything that `auto` may stand for. */
export interface Found {
  readonly cpu: Trial;
  readonly webgpu: Trial;
  /** Why webgpu is not considered, where that is known without a trial. */
  readonly noWebgpu: string | null;
  /** Null where the torch backend was not to be considered. */
  readonly torch: TorchFound | null;
  /** What a block was timed over. */
  readonly batch: { readonly rows: number; readonly tokens: number };
  /** What the model is asked, where that is little enough for a backend's start to count; its start counts for nothing where left out. */
  readonly work?: TimedWork | undefined;
}

/** A piece of work, and about how long it takes. */
export interface TimedWork {
  /** "96 prompts". */
  readonly words: string;
  /** Seconds, with the start, on a candidate whose block took so many milliseconds. */
  readonly seconds: (candidate: Candidate, milliseconds: number) => number;
}

/**
 * How much faster PyTorch must be on the CPU than onnxruntime there: it computes in bfloat16, takes a minute to start and compile,
 * and what differs by less than this differs from run to run.
 */
const worthwhile = 1.25;

/**
 * The backend and device that `auto` stands for: the fastest of what was timed. What has no competitor that was timed is taken as it is; the onnx
 * backend on the CPU is always there.
 */
export function decide({ cpu, webgpu, noWebgpu, torch, batch, work }: Found): DeviceChoice {
  const excluded =
    noWebgpu ??
    webgpu.problem ??
    (webgpu.software === null ? null : `its driver is ${webgpu.software}, which computes on the CPU`);
  const onnx = (device: "cpu" | "webgpu", { milliseconds, problem }: Trial): Candidate => ({
    ...{ backend: "onnx", device, dtype: "float32", milliseconds, problem },
  });
  const candidates: Candidate[] = [
    onnx("cpu", cpu),
    onnx("webgpu", {
      ...webgpu,
      problem: excluded,
      milliseconds: excluded === null ? webgpu.milliseconds : null,
    }),
    ...(torch === null || "problem" in torch
      ? []
      : torch.trials.map((trial): Candidate => ({ backend: "torch", device: torch.device, ...trial }))),
  ];
  const timed = candidates.filter((one) => one.problem === null && one.milliseconds !== null);
  const chosen = fastest(timed, work) ?? candidates[0]!;
  const both =
    excluded === null && cpu.milliseconds !== null && webgpu.milliseconds !== null
      ? { blockMilliseconds: { cpu: cpu.milliseconds, webgpu: webgpu.milliseconds } }
      : {};
  return {
    ...{ backend: chosen.backend, device: chosen.device },
    reason: reasonOf(chosen, timed, notConsidered(candidates, torch, timed.length > 0), batch, work),
    ...(chosen.backend === "torch" &&
      torch !== null &&
      "python" in torch && { dtype: chosen.dtype, compile: chosen.compiled ?? false, python: torch.python }),
    ...both,
    candidates,
  };
}

/** The fastest, with its start where there is little work; PyTorch on the CPU only where it is worth it, and of equals the first. */
function fastest(timed: readonly Candidate[], work: TimedWork | undefined): Candidate | undefined {
  const cost = (one: Candidate) => {
    const handicap = one.backend === "torch" && one.device === "cpu" ? worthwhile : 1;
    const time = one.milliseconds! * handicap;
    return work ? work.seconds(one, time) : time;
  };
  return timed.reduce<Candidate | undefined>(
    (best, one) => (best === undefined || cost(one) < cost(best) ? one : best),
    undefined,
  );
}

/** What was left out, each in half a sentence: "webgpu was not considered: …". */
function notConsidered(
  candidates: readonly Candidate[],
  torch: TorchFound | null,
  anyTimed: boolean,
): string[] {
  const out = candidates.flatMap((one) =>
    one.problem === null ? [] : [`${nameOf(one)} was not considered: ${one.problem}`],
  );
  if (torch !== null && "problem" in torch) out.push(`torch was not considered: ${torch.problem}`);
  // Nothing is timed where there is nothing to choose from.
  if (!anyTimed && out.length === 0) out.push("webgpu was not considered: nothing was timed");
  return out.map((text) => text.replace(/\.$/, ""));
}

function reasonOf(
  chosen: Candidate,
  timed: readonly Candidate[],
  left: readonly string[],
  { rows, tokens }: Found["batch"],
  work: TimedWork | undefined,
): string {
  const where = `one decoder block, forward and backward over ${rows} × ${tokens} tokens, takes`;
  if (timed.length < 2) {
    const alone =
      chosen.backend === "torch"
        ? [`${where} ${milliseconds(chosen.milliseconds)} on ${nameOf(chosen)}`]
        : [];
    return [...alone, ...left].join("; ");
  }
  const onEach = (time: (one: Candidate) => string) => {
    const times = timed.map((one) => `${time(one)} on ${nameOf(one)}`);
    return `${times.slice(0, -1).join(", ")} and ${times.at(-1)}`;
  };
  const all = onEach((one) => milliseconds(one.milliseconds));
  const passed = timed.find(
    (one) => one.backend === "torch" && one.milliseconds! < chosen.milliseconds! && chosen.backend === "onnx",
  );
  return [
    `${where} ${all}`,
    ...(work
      ? [
          `with the start, ${work.words} take about ${onEach((one) => duration(work.seconds(one, one.milliseconds!)))}`,
        ]
      : []),
    ...(passed && !work
      ? [
          `PyTorch on the CPU is taken where it is ${worthwhile} times as fast, since it computes in ${passed.dtype} and takes a minute to start`,
        ]
      : []),
    ...left,
  ].join("; ");
}

/** A candidate by its name: "cpu", "webgpu", "cuda by torch (bfloat16)", "cpu by torch (bfloat16, compiled)". */
function nameOf({ backend, device, dtype, compiled }: Candidate): string {
  return backend === "onnx" ? device : `${device} by torch (${typeWords(dtype, compiled ?? false)})`;
}

function typeWords(dtype: ComputeType, compiled: boolean): string {
  return compiled ? `${dtype}, compiled` : dtype;
}
