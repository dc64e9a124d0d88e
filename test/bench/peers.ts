/** A way of running PyTorch that is measured beside Discern. */
export interface Peer {
  readonly title: string;
  /** As peer/model.py takes it. */
  readonly variant: { readonly dtype: "float32" | "bfloat16"; readonly compile: boolean | "blocks" };
}

/** The ways a user could run the same work in PyTorch; `bf16-compiled` is the fastest where the processor has bf16. */
export const peers: Readonly<Record<string, Peer>> = {
  f32: { title: "f32", variant: { dtype: "float32", compile: false } },
  "f32-compiled": { title: "f32 compiled", variant: { dtype: "float32", compile: true } },
  bf16: { title: "bf16", variant: { dtype: "bfloat16", compile: false } },
  "bf16-compiled": { title: "bf16 compiled", variant: { dtype: "bfloat16", compile: true } },
};
