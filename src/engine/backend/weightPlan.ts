import type { OnnxDeviceName } from "../../protocol/device.ts";
import { type Form, formBytes, formOf } from "../model/forms.ts";
import type { StorageType, Weights } from "../model/weights.ts";
import { fewRows, type Lowering, lowering } from "./lowering.ts";

/** How the weights of one name, all blocks' together, lie on a device where they are held as they are stored. */
export interface WeightPlan {
  /** With `*` in the place of the block. */
  readonly name: string;
  readonly tensors: number;
  readonly type: StorageType;
  /** Bytes in the file, and in memory. */
  readonly storedBytes: number;
  readonly heldBytes: number;
  /** What it is held as, such as "4-bit codes in groups of 32 with minimums". */
  readonly held: string;
  /** How products with it are computed: of many rows, of a token of each answer, of gradients; and how single rows are read. */
  readonly forward: Lowering;
  readonly token: Lowering;
  readonly backward: Lowering;
  readonly rows: Lowering;
}

/**
 * How a model's matrices are held and multiplied where they stay as they are stored, by name and type. Vectors are float32
 * everywhere.
 */
export function weightPlans(weights: Weights, device: OnnxDeviceName): WeightPlan[] {
  const plans = new Map<string, WeightPlan>();
  for (const [full, { shape, type, bytes }] of weights) {
    if (shape.length !== 2) continue;
    const name = full.replace(/^(model\.layers\.)\d+/, "$1*");
    // A GPU without float16 widens halves once.
    const form = formOf(type, shape, "stored", { device, float16: true });
    const key = `${name} ${type}`;
    const before = plans.get(key);
    plans.set(key, {
      name,
      tensors: (before?.tensors ?? 0) + 1,
      type,
      storedBytes: (before?.storedBytes ?? 0) + bytes,
      heldBytes: (before?.heldBytes ?? 0) + formBytes(form, shape),
      held: formText(form),
      forward: lowering(form, "forward", fewRows + 1),
      token: lowering(form, "forward", 1),
      backward: lowering(form, "backward", fewRows + 1),
      rows: lowering(form, "rows", 1),
    });
  }
  return [...plans.values()];
}

function formText(form: Form): string {
  if (form.kind !== "codes") return form.kind;
  return `${form.bits}-bit codes in groups of ${form.group}${form.minimums ? " with minimums" : ""}`;
}
