/**
 * The room in which the device `auto` is decided: by measurement, never by name alone. One decoder block of the model at hand is
 * timed as a training step runs it (`block.ts`), on cpu and on webgpu, each in a process that ends afterwards
 * (`trialProcess.ts`); `decide` takes the faster and says why in one sentence. What cannot be faster is not timed: no GPU in reach,
 * or a driver known to compute on the CPU (`adapter.ts`).
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DeviceChoice } from "../../../protocol/device.ts";
import { milliseconds } from "../../../wording/numbers.ts";
import { noGpu } from "./adapter.ts";
import type { TrainedBlock } from "./block.ts";
import { type Trial, type TrialRequest, trialSchema } from "./trial.ts";

/** A program and its arguments, which tries the device that a request behind them names. */
export type TrialProgram = readonly [program: string, ...args: string[]];

/** Characters kept of what the process prints on stderr. */
const longestSaid = 2_000;
/** Milliseconds that a device has to start and to be timed. */
const patience = 30_000;

/**
 * Tries a device in a process of its own, with the environment of this one. Whatever becomes of that process, there is an
 * answer.
 */
export function tryDevice(
  request: TrialRequest,
  [program, ...args]: TrialProgram = trialProgram(),
): Promise<Trial> {
  const child = spawn(program, [...args, JSON.stringify(request)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    windowsHide: true,
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-longestSaid);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, patience);
  const ended = (how: string): Trial => {
    const last = said.trim().split("\n").at(-1);
    const what = late
      ? `did not finish within ${patience / 1_000} s.`
      : `ended its process (${how})${last ? `: ${last}` : "."}`;
    return { problem: `The device "${request.device}" ${what}`, software: null, milliseconds: null };
  };
  return new Promise<Trial>((resolve) => {
    child.on("message", (message) => {
      const answer = trialSchema.safeParse(message);
      if (!answer.success) return;
      resolve(answer.data);
      // Some drivers hang when their process ends.
      child.kill();
    });
    child.on("error", ({ message }) => resolve(ended(message)));
    child.on("close", (code, signal) => resolve(ended(signal ?? `exit code ${code}`)));
  }).finally(() => clearTimeout(timer));
}

const onnx = { backend: "onnx" } as const;

/**
 * The device that `auto` stands for, from what was found of both.
 *
 * @param unreachable why no GPU can be reached, where that is known.
 */
export function decide(cpu: Trial, webgpu: Trial, unreachable: string | null): DeviceChoice {
  const excluded =
    unreachable ??
    webgpu.problem ??
    (webgpu.software === null ? null : `its driver is ${webgpu.software}, which computes on the CPU`);
  if (excluded !== null) return { ...onnx, device: "cpu", reason: `webgpu was not considered: ${excluded}` };
  const [ours, theirs] = [cpu.milliseconds, webgpu.milliseconds];
  // A block that the CPU does not compute in time is where a GPU is needed most.
  if (cpu.problem !== null && theirs !== null)
    return { ...onnx, device: "webgpu", reason: `cpu was not considered: ${cpu.problem}` };
  if (ours === null || theirs === null)
    return { ...onnx, device: "cpu", reason: "webgpu was not considered: nothing was timed" };
  const device = theirs < ours ? "webgpu" : "cpu";
  return {
    ...onnx,
    device,
    reason: `one decoder block, forward and backward over 8 × 64 tokens, takes ${milliseconds(ours)} on cpu and ${milliseconds(theirs)} on webgpu`,
    blockMilliseconds: { cpu: ours, webgpu: theirs },
  };
}

/** Choices of this process, by what was measured. */
const known = new Map<string, Promise<DeviceChoice>>();

/**
 * Measures what `auto` stands for on this machine, for this model: one decoder block of its shape, forward and backward, on
 * cpu and webgpu in processes of their own. Bounded to a few seconds, and done once in a process for each shape; where no
 * GPU can be reached nothing is started.
 */
export function chooseDevice(block: TrainedBlock, threads: number | undefined): Promise<DeviceChoice> {
  const key = JSON.stringify([block, threads]);
  let choice = known.get(key);
  if (!choice) {
    choice = measure({ block, ...(threads === undefined ? {} : { threads }) });
    known.set(key, choice);
  }
  return choice;
}

/** A device that nothing is known of. */
const untried: Trial = { problem: null, software: null, milliseconds: null };

async function measure(request: Omit<TrialRequest, "device">): Promise<DeviceChoice> {
  const unreachable = noGpu();
  if (unreachable !== null) return decide(untried, untried, unreachable);
  const webgpu = await tryDevice({ ...request, device: "webgpu" });
  const comparable = webgpu.problem === null && webgpu.software === null;
  // One after the other: each would slow the other down.
  const cpu = comparable ? await tryDevice({ ...request, device: "cpu" }) : untried;
  return decide(cpu, webgpu, null);
}

/** Beside the bundle, or the source when run from the sources. */
function trialProgram(): TrialProgram {
  const beside = join(import.meta.dirname, "deviceTrial.js");
  return [process.execPath, existsSync(beside) ? beside : join(import.meta.dirname, "trialProcess.ts")];
}
