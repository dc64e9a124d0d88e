/** A text of an encoder model, as tokens with the segment that each belongs to (0, or 1 for the second text of a pair). */
export interface ClassifierInput {
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

/** A text classifier at work: what a judge asks of it, however it is computed. */
export interface TextClassifier {
  /**
   * Logits of texts, computed together; they are padded to the longest with what nothing attends to.
   *
   * @returns for each text the logits of its labels (L).
   * @throws DiscernError `output-not-finite`; `model-invalid` where the model's output is not one of `labels` numbers per text.
   */
  logits(texts: readonly ClassifierInput[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

export interface ClassifierOptions {
  /** How many labels the model tells apart. */
  readonly labels: number;
  /** Token of the padding. */
  readonly padId: number;
  /** Threads on the CPU; one per physical core where left out. */
  readonly threads?: number | undefined;
}
