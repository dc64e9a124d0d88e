import { type StorageFormat, storageFormats } from "../../../model/formats/formats.ts";
import { type Codes, type Form, type Part, partsOf } from "../../../model/forms.ts";
import { elementCount, type Rows, refuseNotFinite, type StoredTensor } from "../../../model/weights.ts";
import type { HostData } from "../runtime/value.ts";

/** A part of a weight, read: what is fed under its name. */
export interface ReadPart extends Part {
  readonly data: HostData;
}

/**
 * Reads a weight (N, K), or rows of it, as the parts that its form is fed as.
 *
 * @throws DiscernError as `StoredTensor.read`; `weights-invalid` where a number is NaN or infinite.
 */
export async function storedParts(
  tensor: StoredTensor,
  form: Exclude<Form, { kind: "float32" }>,
  rows?: Rows,
): Promise<ReadPart[]> {
  const shape = rows ? [rows.to - rows.from, ...tensor.shape.slice(1)] : tensor.shape;
  const bytes = await tensor.read(rows);
  const found = form.kind === "codes" ? taken(bytes, tensor, form) : halves(bytes, tensor, form);
  return partsOf(form, shape).map((part, i) => ({ ...part, data: found[i]! }));
}

/** The 16 bits of each float; where the form is scaled, those of float16 numbers and the factor that undoes the scale. */
function halves(
  bytes: Uint8Array,
  { type, place }: StoredTensor,
  form: Extract<Form, { kind: "float16" | "bfloat16" }>,
): HostData[] {
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const exponent = type === "BF16" ? 0x7f80 : 0x7c00;
  const notFinite = bits.findIndex((each) => (each & exponent) === exponent);
  // Widened to say how many there are.
  if (notFinite >= 0) refuseNotFinite(widened(bytes, storageFormats[type]), place);
  if (form.kind === "bfloat16" || !form.scaled) return [bits];
  let greatest = 0;
  for (const each of bits) greatest = Math.max(greatest, (each & 0x7f80) >> 7);
  // The largest number gets float16's largest exponent but one. What is 2⁻³⁰ of it or less loses bits, then.
  const shift = 14 - (greatest - 127);
  return [bits.map((each) => scaledHalf(each, shift)), Float32Array.of(2 ** -shift)];
}

/** bfloat16 · 2^shift as float16, rounded to the nearest where it is too small to be one exactly. */
function scaledHalf(bits: number, shift: number): number {
  const sign = bits & 0x8000;
  const exponent = ((bits & 0x7f80) >> 7) - 127 + shift;
  const fraction = (bits & 0x7f) << 3;
  if ((bits & 0x7fff) === 0 || exponent < -25) return sign;
  if (exponent >= -14) return sign | ((exponent + 15) << 10) | fraction;
  return sign | Math.round((1024 + fraction) / 2 ** (-14 - exponent));
}

function widened(bytes: Uint8Array, format: StorageFormat): Float32Array {
  const data = new Float32Array((bytes.length / format.blockBytes) * format.blockElements);
  format.dequantise(bytes, data, 0);
  return data;
}

/** Codes, scales and minimums of blocks, as the device's operators read them. */
function taken(bytes: Uint8Array, { type, place, shape }: StoredTensor, form: Codes): HostData[] {
  const { blockElements, blockBytes, quantised } = storageFormats[type];
  const { group, bits, layout } = form;
  const perBlock = blockElements / group;
  const blocks = bytes.length / blockBytes;
  const pack = packing(form);
  const signed = bits === 8 && layout === "cpu";
  const codes = new (signed ? Int8Array : Uint8Array)((blocks * blockElements * bits) / 8);
  const scales = new Float32Array(blocks * perBlock);
  const minimums = new Float32Array(form.minimums ? scales.length : 0);
  const block = {
    codes: new Int8Array(blockElements),
    scales: new Float64Array(perBlock),
    minimums: new Float64Array(perBlock),
  };
  // The GPU's operators count codes of 4 bits from 8 on, and those with minimums begin at 0.
  const shifted = form.minimums && bits === 4 && layout !== "cpu" ? 8 : 0;
  for (let i = 0; i < blocks; i++) {
    quantised!.unpack(bytes, i * blockBytes, block);
    pack(block.codes, codes, (i * blockElements * bits) / 8);
    for (let g = 0; g < perBlock; g++) {
      scales[i * perBlock + g] = block.scales[g]!;
      if (form.minimums) minimums[i * perBlock + g] = block.minimums[g]! + shifted * block.scales[g]!;
    }
  }
  const what = `${place} (${elementCount(shape)} values in blocks of ${blockElements}): of its scales, it`;
  refuseNotFinite(scales, what);
  refuseNotFinite(minimums, what);
  return form.minimums ? [codes, scales, minimums] : [codes, scales];
}

type Pack = (codes: Int8Array, out: Int8Array | Uint8Array, to: number) => void;

/** How the codes of a block are laid out (`partsOf`). */
function packing({ bits, group, minimums, layout }: Codes): Pack {
  if (bits === 8 && layout === "cpu") return (codes, out, to) => out.set(codes, to);
  if (bits === 8) {
    return (codes, out, to) => {
      for (let i = 0; i < codes.length; i++) out[to + i] = codes[i]! + 128;
    };
  }
  const from = minimums ? 0 : 8;
  const half = group / 2;
  const [stride, apart] = layout === "cpu" ? [1, half] : [2, 1];
  return (codes, out, to) => {
    for (let at = 0; at < codes.length; at += group) {
      for (let j = 0; j < half; j++) {
        const first = at + stride * j;
        out[to++] = (codes[first]! + from) | ((codes[first + apart]! + from) << 4);
      }
    }
  };
}
