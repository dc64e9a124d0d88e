import * as z from "zod";
import { byteSize, count, percent } from "../wording/numbers.ts";

const amount = z.number().nonnegative().nullable();

/** Memory and use of the devices that a model is computed on; of several the one that is fullest, and the busiest. Null where it cannot be had. */
export const deviceUseSchema = z.object({
  bytes: amount.describe("Memory in use on the device"),
  peakBytes: amount.describe("The most of it since it was last asked for"),
  totalBytes: amount.describe("Memory of the device"),
  processBytes: amount.describe("Memory that the backend's own processes hold, beside this one"),
  processPeakBytes: amount.describe("The most of it since it was last asked for"),
  utilisation: amount.describe("Share of the recent time in which the device computed, 0 to 1"),
});
export type DeviceUse = z.infer<typeof deviceUseSchema>;

/** What a run is at, between two steps. */
export interface Telemetry {
  readonly tokensPerSecond: number | null;
  /** Memory that the process holds. */
  readonly processBytes: number;
  readonly use?: DeviceUse | undefined;
}

/** A pace of training: "512 tokens/s". */
export function tokenPace(tokensPerSecond: number | null | undefined): string {
  return `${count(tokensPerSecond == null ? null : Math.round(tokensPerSecond))} tokens/s`;
}

/** Memory and use of a device: "GPU memory 12.4 GB of 80.0 GB, peak 14.0 GB", "GPU 93 % busy"; nothing where it cannot be had. */
export function deviceUseWords({ bytes, peakBytes, totalBytes, utilisation }: DeviceUse): string[] {
  const of = totalBytes === null ? "" : ` of ${byteSize(totalBytes)}`;
  const peak = peakBytes === null ? "" : `, peak ${byteSize(peakBytes)}`;
  return [
    ...(bytes === null ? [] : [`GPU memory ${byteSize(bytes)}${of}${peak}`]),
    ...(utilisation === null ? [] : [`GPU ${percent(utilisation)} busy`]),
  ];
}

/** How fast a run is and what it takes, each in a few words. */
export function telemetryWords({ tokensPerSecond, processBytes, use }: Telemetry): string[] {
  return [
    ...(tokensPerSecond === null ? [] : [tokenPace(tokensPerSecond)]),
    `memory ${byteSize(processBytes)}`,
    ...(use ? deviceUseWords(use) : []),
  ];
}
