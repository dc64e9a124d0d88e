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
 * the prompt; the prompt's last token alone; or a token of each prompt and all behind it, counted from 0. Where that is
 * the prompt's length, only what is generated or scored behind it.
 */
export type Positions =
  | "all"
  | "prompt"
  | "last"
  | {
      /** For each prompt of the call. */
      readonly from: readonly number[];
    };

/** What is done to each chosen activation x; vectors are as long as x. */
export type Action =
  /** x − (x·d/‖d‖)·d/‖d‖ (directional ablation, Arditi et al. 2024). */
  | { readonly type: "ablate"; readonly direction: Float32Array }
  /** x + v. */
  | { readonly type: "add"; readonly vector: Float32Array }
  /**
   * x + (h·read)·write, where h is x itself, or the prompt's last token at the same site and layer as this intervention
   * finds it. With read d/‖d‖ and write −d/‖d‖ it is `ablate`.
   */
  | {
      readonly type: "project";
      readonly read: Float32Array;
      readonly write: Float32Array;
      readonly of: "self" | "last";
    };

/** A change to the activations at a site, while a method's interventions are in force. Several act in order. */
export interface Intervention {
  readonly site: Site;
  readonly positions: Positions;
  readonly action: Action;
  /**
   * A factor of the change for each prompt of the call; 1 where left out. A prompt with 0 is left alone, and one that all
   * interventions leave alone is computed as if there were none.
   */
  readonly scale?: Float32Array;
  /** Whether a changed activation is scaled back to its length before, x'·‖x‖/‖x'‖; false where left out. */
  readonly restoreNorm?: boolean;
}

/** What an intervention did during one call: an intervention that never acts has no activations. */
export interface InterventionEffect {
  /** Activations it acted on, padding and prompts with scale 0 left out: chosen tokens times layers. */
  readonly activations: number;
  /** Activations of all tokens at its site. */
  readonly of: number;
  /** Mean ‖x' − x‖ over those it acted on. */
  readonly change: number;
  /** Mean ‖x‖ over the same, before it acted. */
  readonly norm: number;
  /** For each prompt of the call the mean of ‖x' − x‖/‖x‖ over its chosen activations; 0 where it did not act. */
  readonly prompts: Float32Array;
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
