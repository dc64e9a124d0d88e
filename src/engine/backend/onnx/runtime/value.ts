import * as ort from "onnxruntime-node";
import { type Shape, size } from "../graph/shape.ts";
import type { DType } from "../graph/tensor.ts";

/** Elements of a tensor on the host, row-major. */
export type HostData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Uint16Array | Int8Array;

/** The type that an array has where none is named: bytes are truth values. */
function typeOf(data: HostData): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof BigInt64Array) return "int64";
  if (data instanceof Uint16Array) return "uint16";
  return data instanceof Int8Array ? "int8" : "bool";
}

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
  static of(data: HostData, shape: Shape, dtype: DType = typeOf(data)): Value {
    if (data.length !== size(shape)) {
      throw new RangeError(`${data.length} elements do not fill [${shape.join(", ")}]`);
    }
    if (dtype !== "float16") return new Value(new ort.Tensor(dtype, data, shape));
    // A tensor made as float16 of a Uint16Array arrives empty where JavaScript has a Float16Array (Node.js 24).
    const tensor = new ort.Tensor("uint16", data as Uint16Array, shape);
    return new Value(Object.assign(tensor, { type: dtype }));
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

  /** The same of any type. @throws as {@link data}. */
  get elements(): HostData {
    return this.data as HostData;
  }

  /** Frees the GPU buffer. Values in host memory are the garbage collector's. */
  dispose(): void {
    if (this.onDevice) this.tensor.dispose();
  }
}
