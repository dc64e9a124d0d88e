import * as z from "zod";
import { milliseconds } from "../wording/numbers.ts";

/** Where tensors can be computed, in the order in which they are tried. */
export const deviceNames = ["cpu", "webgpu"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** Why a recipe that names cuda, as version 0.1 allowed, is refused. */
const noCuda =
  "cuda is no longer a device: in Node onnxruntime uploads all weights to the GPU at every step, which is slower than the CPU. " +
  '"webgpu" uses NVIDIA GPUs too, and "auto" measures whether that is faster';

/** A device as a recipe, a command or a request names it. */
export const deviceSchema = z.enum(["auto", ...deviceNames], {
  error: ({ input }) => (input === "cuda" ? noCuda : undefined),
});

/** What `auto` chose, and why. */
export const deviceChoiceSchema = z.object({
  device: z.enum(deviceNames),
  reason: z.string().describe("One sentence for people"),
  blockMilliseconds: z
    .object({ cpu: z.number(), webgpu: z.number() })
    .optional()
    .describe(
      "Median time of one decoder block, forward and backward; absent where a device was not measured",
    ),
});
export type DeviceChoice = z.infer<typeof deviceChoiceSchema>;

/** A device, as a trial found it. */
export const deviceHealthSchema = z.object({
  name: z.enum(deviceNames),
  starts: z.boolean(),
  problem: z.string().nullable().describe("Why it does not start, and what to install"),
  software: z.string().nullable().describe("The driver behind it, where that is known to compute on the CPU"),
  blockMilliseconds: z
    .number()
    .nullable()
    .describe("Median time of one decoder block, forward and backward; null where it was not timed"),
});
export type DeviceHealth = z.infer<typeof deviceHealthSchema>;

/** Whether a device starts, what it is, and how fast, in words. */
export function deviceState({ problem, software, blockMilliseconds }: DeviceHealth): string {
  if (problem !== null) return problem;
  if (software !== null) return `starts, with ${software}, which computes on the CPU`;
  return blockMilliseconds === null
    ? "starts"
    : `starts; one decoder block, forward and backward: ${milliseconds(blockMilliseconds)}`;
}
