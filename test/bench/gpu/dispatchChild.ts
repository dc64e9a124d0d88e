/**
 * A process of its own: the time of a node on a device, found by steps of a model of many layers so narrow that a kernel
 * has next to nothing to do. Arguments: device, folder of the model. Writes JSON.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../src/engine/model/source.ts";
import type { OnnxDeviceName } from "../../../src/protocol/device.ts";
import { traces } from "../../engine/backend/onnx/runtime/webgpu/trace.ts";

const [deviceName, folder] = process.argv.slice(2);
const rounds = 10;

/** Seconds of steps of a LoRA adapter, forward, backward and update, after two that are not counted. */
async function stepSeconds(device: Device, count: number): Promise<number[]> {
  const source = await openModel(folder!);
  const model = new LiveModel(device, source.architecture, await source.weights());
  const backend = new OnnxBackend(model);
  const example = { ids: Array.from({ length: 16 }, (_, i) => i + 1), promptLength: 8 };
  const batch = {
    kind: "answers",
    examples: [example],
    maskPrompt: true,
    weight: 1 / 8,
    shared: 0,
  } as const;
  const trainer = await backend.createTrainer({
    train: { method: "lora", rank: 4, alpha: 8, dropout: 0, targets: "all-linear" },
    optimiser: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 },
    seed: 0,
    kinds: [batch],
  });
  const seconds: number[] = [];
  for (let step = -2; step < count; step++) {
    const start = performance.now();
    await trainer.backward([batch]);
    await trainer.update(1e-4, 1);
    if (step >= 0) seconds.push((performance.now() - start) / 1000);
  }
  await model.dispose();
  await device.dispose();
  return seconds;
}

const profile = await mkdtemp(join(tmpdir(), "discern-dispatch-"));
try {
  await stepSeconds(await Device.open(deviceName as OnnxDeviceName, { profile, threads: 1 }), 0);
  // What carries values to the device and back is one node.
  const graphs = (await traces(profile)).filter(
    (graph) => Object.values(graph).reduce((kinds, nodes) => kinds + Object.keys(nodes).length, 0) > 1,
  );
  const nodes = graphs.flatMap((graph) => Object.values(graph).flatMap((counts) => Object.values(counts)));
  const seconds = await stepSeconds(await Device.open(deviceName as OnnxDeviceName, { threads: 1 }), rounds);
  console.log(JSON.stringify({ nodes: nodes.reduce((sum, count) => sum + count, 0), seconds }));
} finally {
  await rm(profile, { recursive: true });
}
