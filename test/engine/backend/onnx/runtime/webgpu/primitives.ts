import type { PrimitiveName } from "../../../../../../src/engine/backend/onnx/graph/attributes.ts";
import { gradients } from "../../../../../../src/engine/backend/onnx/graph/autodiff.ts";
import { primitives } from "../../../../../../src/engine/backend/onnx/graph/primitives.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { cases } from "../../graph/cases.ts";
import { Random } from "../../graph/random.ts";
import { runtimeError, trial } from "../../graph/trial.ts";

/**
 * A process of its own, started with a Vulkan driver in its environment: every example of every primitive, and its
 * gradient, on WebGPU. Writes the largest relative error against the reference evaluator by primitive, as JSON.
 */
const device = await Device.open("webgpu");
const random = new Random();
const errors: Record<string, number> = {};
for (const name of Object.keys(cases) as PrimitiveName[]) {
  for (const example of cases[name]) {
    if (example.device === "cpu") continue;
    const { y, projection, moving, feeds } = trial(example, random);
    const found = primitives[name].vjp === null ? [] : gradients(projection, moving);
    const outputs = [y, ...found.filter((gradient) => gradient !== null)];
    errors[name] = Math.max(errors[name] ?? 0, await runtimeError(device, outputs, feeds));
  }
}
// JSON has no infinity.
const finite = Object.entries(errors).map(([name, error]) => [name, Math.min(error, Number.MAX_VALUE)]);
console.log(JSON.stringify({ seed: random.seed, errors: Object.fromEntries(finite) }));
