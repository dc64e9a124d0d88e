/** What a person can do about a finding. */
export type Remedy =
  /** Open the recipe; at an offset in UTF-16 units where that is known. */
  | { readonly kind: "recipe"; readonly offset?: number }
  /** Label prompts of a file. */
  | { readonly kind: "label"; readonly file: string }
  /** Make a Python environment with PyTorch. */
  | { readonly kind: "python" }
  /** Fetch a model. */
  | { readonly kind: "pull" };

/**
 * Something that preflight found: a fault keeps a run from starting, a danger is an estimate that says the run will fail, a warning can
 * be ignored.
 */
export interface Finding {
  readonly severity: "fault" | "danger" | "warning";
  /** In words: what, where, how to fix it. */
  readonly message: string;
  readonly remedy?: Remedy;
}
