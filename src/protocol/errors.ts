/**
 * Every failure a user can cause or fix carries one of these codes. The engine words errors for the terminal;
 * the workbench puts a heading for the code in front.
 */
export const errorCodes = [
  "architecture-unsupported",
  "adapter-invalid",
  "checkpoint-invalid",
  "column-missing",
  "dataset-empty",
  "dataset-unreadable",
  "device-unavailable",
  "disk-full",
  "download-failed",
  "endpoint-failed",
  "environment-failed",
  "file-missing",
  "group-too-small",
  "labels-unwritable",
  "layout-invalid",
  "layout-unwritable",
  "loss-not-finite",
  "model-invalid",
  "model-missing",
  "out-of-memory",
  "output-not-finite",
  "prompt-too-long",
  "python-unusable",
  "recipe-invalid",
  "request-invalid",
  "run-busy",
  "run-invalid",
  "run-unwritable",
  "steering-invalid",
  "tokenizer-missing",
  "tokenizer-unsupported",
  "weights-invalid",
  "worker-failed",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** An error that says what went wrong, where, and how to fix it. */
export class DiscernError extends Error {
  override readonly name = "DiscernError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
