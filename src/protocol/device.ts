import * as z from "zod";
import { milliseconds } from "../wording/numbers.ts";
import { backendNames, computeTypeSchema } from "./backend.ts";

/** Devices of the onnx backend, in the order in which they are tried. */
export const onnxDeviceNames = ["cpu", "webgpu"] as const;
export type OnnxDeviceName = (typeof onnxDeviceNames)[number];

/** Where a model can be computed; cuda is NVIDIA's GPUs, and AMD's by ROCm, and belongs to the torch backend. */
export const deviceNames = [...onnxDeviceNames, "cuda"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** A device as a recipe, a command or a request names it. */
export const deviceSchema = z.enum(["auto", ...deviceNames]);

/** A backend on a device that `auto` considered, and how fast one decoder block was there. */
export const candidateSchema = z.object({
  backend: z.enum(backendNames),
  device: z.enum(deviceNames),
  dtype: computeTypeSchema,
  compiled: z.boolean().optional().describe("Whether the block was compiled by torch.compile"),
  milliseconds: z.number().nullable().describe("Time of one decoder block, forward and backward"),
  problem: z.string().nullable().describe("Why it was not considered or not timed"),
});
export type Candidate = z.infer<typeof candidateSchema>;

/** The backend and the device that `auto` chose, and why. */
export const deviceChoiceSchema = z.object({
  backend: z.enum(backendNames).default("onnx"),
  device: z.enum(deviceNames),
  reason: z.string().describe("One sentence for people"),
  dtype: computeTypeSchema.optional().describe("Of the torch backend, where it was measured with this type"),
  compile: z.boolean().optional().describe("Of the torch backend, where it was measured so"),
  python: z.string().optional().describe("Of the torch backend: the Python that was found"),
  blockMilliseconds: z
    .object({ cpu: z.number(), webgpu: z.number() })
    .optional()
    .describe(
      "Time of one decoder block, forward and backward, on the onnx backend; absent where a device was not measured",
    ),
  candidates: z
    .array(candidateSchema)
    .optional()
    .describe("All that was considered; absent in older versions"),
});
export type DeviceChoice = z.infer<typeof deviceChoiceSchema>;

/** What `auto` chose and why, for people: "Device: cpu, by onnx (…)". */
export function choiceWords({ backend, device, reason }: DeviceChoice): string {
  return `Device: ${device}, by ${backend} (${reason})`;
}

/** A device of the onnx backend, as a trial found it. */
export const deviceHealthSchema = z.object({
  name: z.enum(onnxDeviceNames),
  starts: z.boolean(),
  problem: z.string().nullable().describe("Why it does not start, and what to install"),
  software: z.string().nullable().describe("The driver behind it, where that is known to compute on the CPU"),
  blockMilliseconds: z
    .number()
    .nullable()
    .describe("Time of one decoder block, forward and backward; null where it was not timed"),
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
