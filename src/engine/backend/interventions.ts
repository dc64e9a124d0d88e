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

/** A change to the activations at a site, while a method's interventions are in force. Several act in order. */
export interface Intervention {
  readonly site: Site;
  readonly positions: Positions;
  readonly action: Action;
}

/** What an intervention did during one call: an intervention that never acts has no activations. */
export interface InterventionEffect {
  /** Activations it acted on, padding left out: chosen tokens times layers. */
  readonly activations: number;
  /** Activations of all tokens at its site. */
  readonly of: number;
  /** Mean ‖x' − x‖ over those it acted on. */
  readonly change: number;
  /** Mean ‖x‖ over the same, before it acted. */
  readonly norm: number;
}

/**
 * An activation, or the gradient of the loss with respect to it, that is to be read at a site: behind the interventions
 * there, so as the next computation reads it. A gradient at a linear module's input is what comes through that module.
 */
export interface Tap {
  readonly site: Site;
  readonly positions: Positions;
  readonly read: "value" | "gradient";
}

/** What one tap read at one layer for one example: (count, width) row-major, tokens in order. */
export interface TapReading {
  readonly layer: number;
  readonly count: number;
  readonly width: number;
  readonly data: Float32Array;
}
