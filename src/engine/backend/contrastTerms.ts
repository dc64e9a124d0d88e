import type { Parameter } from "../model/weights.ts";
import type { ContrastBatch } from "./backend.ts";

/** What a backend found of a contrastive batch, in float32. */
export interface ContrastFeatures {
  /** A pooled feature a prompt, (n, C); the centre is not subtracted yet. */
  readonly pooled: Parameter;
  /**
   * Of the anchors' tokens, now and before training: features (M, C) for retention by distance; for KL the logits (M, V) that norm
   * and head read from them. null where there are none.
   */
  readonly held: { readonly now: Parameter; readonly before: Parameter } | null;
}

/** The value of a contrastive batch, and its derivatives with respect to what was found. */
export interface ContrastValue {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** (n, C). */
  readonly pooled: Parameter;
  /** Of `held.now`. */
  readonly held: Parameter | null;
}

/** Computes loss, metrics and derivatives of a contrastive batch from its features, so that no backend has losses of its own. */
export interface ContrastTerms {
  value(batch: ContrastBatch, features: ContrastFeatures): Promise<ContrastValue>;
  dispose(): Promise<void>;
}
