/** A way of running PyTorch that is measured beside Discern. */
export interface Peer {
  readonly title: string;
  /** Whether it is Discern's own torch backend, instead of plain transformers and peft. */
  readonly backend?: true;
  /** As peer/model.py takes it. */
  readonly variant: { readonly dtype: "float32" | "bfloat16"; readonly compile: boolean | "blocks" };
}

/**
 * The ways a user could run the same work in PyTorch; `bf16-compiled` is the fastest where the processor has bf16. Discern's torch
 * backend is among them, since Discern itself is here what it computes with onnxruntime.
 */
export const peers: Readonly<Record<string, Peer>> = {
  f32: { title: "PyTorch f32", variant: { dtype: "float32", compile: false } },
  "f32-compiled": { title: "PyTorch f32 compiled", variant: { dtype: "float32", compile: true } },
  bf16: { title: "PyTorch bf16", variant: { dtype: "bfloat16", compile: false } },
  "bf16-compiled": { title: "PyTorch bf16 compiled", variant: { dtype: "bfloat16", compile: true } },
  discern: { title: "Discern torch f32", backend: true, variant: { dtype: "float32", compile: false } },
  "discern-bf16": {
    title: "Discern torch bf16",
    backend: true,
    variant: { dtype: "bfloat16", compile: false },
  },
};
