import * as ort from "onnxruntime-node";
import { type Shape, size } from "../graph/shape.ts";
import type { DType } from "../graph/tensor.ts";

/** Elements of a tensor on the host, row-major. */
export type HostData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

const typeOf = (data: HostData): DType =>
  data instanceof Float32Array
    ? "float32"
    : data instanceof Int32Array
      ? "int32"
      : data instanceof BigInt64Array
        ? "int64"
        : "bool";

/**
 * A tensor where the device wants it: in host memory, shared with the typed array it was made from, or in a buffer
 * of the GPU. Feeding one never copies it on the CPU.
 */
export class Value {
  readonly shape: Shape;
  /** onnxruntime's own tensor. Only this room looks inside. */
  readonly tensor: ort.Tensor;

  private constructor(tensor: ort.Tensor) {
    this.tensor = tensor;
    this.shape = tensor.dims;
  }

  /**
   * A value over `data` itself: writing to the array changes what the next run reads.
   *
   * @throws RangeError when the number of elements does not fit the shape.
   */
  static of(data: HostData, shape: Shape): Value {
    if (data.length !== size(shape)) {
      throw new RangeError(`${data.length} elements do not fill [${shape.join(", ")}]`);
    }
    return new Value(new ort.Tensor(typeOf(data), data, shape));
  }

  /** Wraps what a session returned. */
  static from(tensor: ort.Tensor): Value {
    return new Value(tensor);
  }

  get onDevice(): boolean {
    return this.tensor.location === "gpu-buffer";
  }

  /**
   * The elements in host memory; the array is onnxruntime's own, not a copy.
   *
   * @throws Error for a value in a GPU buffer: download it through its device.
   */
  get data(): Float32Array {
    if (this.onDevice) throw new Error("this value is on the device; download it first");
    return this.tensor.data as Float32Array;
  }

  /** Frees the GPU buffer. Values in host memory are the garbage collector's. */
  dispose(): void {
    if (this.onDevice) this.tensor.dispose();
  }
}
