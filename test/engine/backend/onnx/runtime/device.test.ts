import { describe, expect, it } from "vitest";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { DiscernError } from "../../../../../src/protocol/errors.ts";

const x = input("x", [2]);
const device = await Device.open("cpu", { threads: 1 });
const value = (...elements: number[]) => Value.of(Float32Array.from(elements), [elements.length]);

describe("Device", () => {
  it("names what to install where WebGPU cannot start", async ({ skip }) => {
    const opened: unknown = await Device.open("webgpu").catch((error: unknown) => error);
    skip(opened instanceof Device, "WebGPU starts on this machine");
    expect(opened).toBeInstanceOf(DiscernError);
    expect(opened).toMatchObject({
      code: "device-unavailable",
      message: expect.stringMatching(/"webgpu" did not start: .+libvulkan1/),
    });
  });

  it("uploads and downloads without a copy on the CPU", async () => {
    const data = Float32Array.of(1, 2);
    const uploaded = await device.upload(data, [2]);
    expect(uploaded.data).toBe(data);
    expect(await device.download(uploaded)).toBe(data);
  });

  it("does not take elements that do not fill their shape", async () => {
    await expect(device.upload(Float32Array.of(1, 2), [3])).rejects.toThrow("2 elements do not fill [3]");
  });
});

describe("Program", () => {
  it("says which input was not fed, and which was fed in another shape", async () => {
    const program = await device.compile({ y: ops.neg(x) });
    await expect(program.run({})).rejects.toThrow('the graph reads "x", which was not fed');
    await expect(program.run({ x: value(1, 2, 3) })).rejects.toThrow(
      '"x" was fed as [3], the graph reads [2]',
    );
    await program.dispose();
  });

  it("takes more feeds than it reads", async () => {
    const program = await device.compile({ y: ops.neg(x) });
    const { y } = await program.run({ x: value(1, 2), other: value(3) });
    expect(Array.from(y.data)).toEqual([-1, -2]);
    await program.dispose();
  });

  it("writes an output over the array it read", async () => {
    const program = await device.compile({ "x.next": ops.sub(x, ops.mul(x, 0.5)) });
    const state = value(8, 4);
    for (let i = 0; i < 2; i++) await program.run({ x: state }, { "x.next": state });
    expect(Array.from(state.data)).toEqual([2, 1]);
    await program.dispose();
  });
});
