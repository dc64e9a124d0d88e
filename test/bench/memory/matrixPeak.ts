import { ops } from "../../../src/engine/backend/onnx/graph/ops.ts";
import { input } from "../../../src/engine/backend/onnx/graph/tensor.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../src/engine/backend/onnx/runtime/value.ts";

const extent = 2048;
const repeats = 7;

/**
 * Floating-point operations per second of the processor's time (of all threads together) in products of float32 matrices
 * (2048, 2048): the best of a few. Time of the processor and not of the clock, so that other work of the machine does not count.
 */
export async function matrixPeak(threads: number): Promise<number> {
  const device = await Device.open("cpu", { threads });
  const shape = [extent, extent];
  const [a, b] = [input("a", shape), input("b", shape)];
  const program = await device.compile({ y: ops.gemm(a, b, { transB: true }) });
  const of = (factor: number) =>
    Value.of(
      Float32Array.from({ length: extent * extent }, (_, i) => Math.sin(factor * i)),
      shape,
    );
  const feeds = { a: of(1), b: of(2) };
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) {
    const start = process.cpuUsage();
    await program.run(feeds);
    best = Math.min(best, cpuSeconds(start));
  }
  await program.dispose();
  await device.dispose();
  return (2 * extent ** 3) / best;
}

/** Seconds that the processor has worked for this process since a time. */
export function cpuSeconds(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
