/**
 * A process that tries one device and sends its parent what it found. It is a process of its own because a broken driver may
 * take its process with it, and because a device that was only tried must not stay open.
 */
import { Device } from "../onnx/runtime/device.ts";
import { softwareAdapter } from "./adapter.ts";
import { blockMilliseconds } from "./block.ts";
import { type Trial, type TrialRequest, trialRequestSchema } from "./trial.ts";

async function attempt({ device: name, threads, block }: TrialRequest): Promise<Trial> {
  try {
    const device = await Device.open(name, { threads });
    const software = name === "cpu" ? null : softwareAdapter();
    // A driver that computes on the CPU is never chosen, however long it would take.
    const milliseconds = block && software === null ? await blockMilliseconds(device, block) : null;
    return { problem: null, software, milliseconds };
  } catch (error) {
    return {
      problem: error instanceof Error ? error.message : String(error),
      software: null,
      milliseconds: null,
    };
  }
}

const request = trialRequestSchema.parse(JSON.parse(process.argv.at(-1) ?? ""));
process.send?.(await attempt(request), () => process.disconnect());
