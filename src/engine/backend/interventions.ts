/**
 * Places inside a decoder, and what is done there. Block ℓ reads `hidden_states[ℓ]`; the model's hidden size is C.
 *
 * - `block-input`: what block ℓ reads (C).
 * - `attention-output`, `mlp-output`: what the sub-block adds to the residual stream (C), after its own norm where the
 *   architecture has one there (Gemma, OLMo 2).
 * - `linear-input`, `linear-output`: what a linear module of a block reads and gives (its in and out features), bias and
 *   adapter included. `module` is a name of `BackendShape.linears`, such as `mlp.down_proj`.
 */
export type Site =
  | {
      readonly at: "block-input" | "attention-output" | "mlp-output";
      /** Zero-based. */
      readonly layers: readonly number[];
    }
  | {
      readonly at: "linear-input" | "linear-output";
      readonly module: string;
      readonly layers: readonly number[];
    };

/**
 * Which tokens of a row: all that are run, those that are generated or scored behind the prompt included; the tokens of
 * the prompt; or the prompt's last token alone.
 */
export type Positions = "all" | "prompt" | "last";

/** What is done to each chosen activation x; vectors are as long as x. */
export type Action =
  /** x − (x·d/‖d‖)·d/‖d‖ (directional ablation, Arditi et al. 2024). */
  | { readonly type: "ablate"; readonly direction: Float32Array }
  /** x + v. */
  | { readonly type: "add"; readonly vector: Float32Array };

/** A change to the activations at a site, while a method's interventions are in force. Several act in order. @public */
export interface Intervention {
  readonly site: Site;
  readonly positions: Positions;
  readonly action: Action;
}

/** An activation, or the gradient of the loss with respect to it, that is to be read at a site. @public */
export interface Tap {
  readonly site: Site;
  readonly positions: Positions;
  readonly read: "value" | "gradient";
}

/** What one tap read at one layer for one example: (count, width) row-major, tokens in order. @public */
export interface TapReading {
  readonly layer: number;
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
}
