import { DiscernError, type ErrorCode } from "../protocol/errors.ts";

/**
 * What each code means to a person at the workbench. The engine's message, which names the file, the key or the figure,
 * follows it.
 */
const headings: Record<ErrorCode, string> = {
  "architecture-unsupported": "This model architecture is not supported.",
  "adapter-invalid": "The adapter cannot be used.",
  "checkpoint-invalid": "A checkpoint is damaged.",
  "column-missing": "A column is missing.",
  "dataset-empty": "There are no usable prompts.",
  "dataset-unreadable": "The prompt file cannot be read.",
  "device-unavailable": "The device is not available.",
  "disk-full": "The disk is full.",
  "download-failed": "The download failed.",
  "endpoint-failed": "A service could not be asked",
  "environment-failed": "The Python environment could not be made.",
  "file-missing": "A file is missing.",
  "group-too-small": "Too few prompts are labelled.",
  "labels-unwritable": "The label could not be saved.",
  "layout-invalid": "The layout of a prompt file cannot be used.",
  "layout-unwritable": "The choice of columns could not be saved.",
  "loss-not-finite": "Training diverged; the last good state is saved.",
  "model-invalid": "The model cannot be read.",
  "model-missing": "The model is missing.",
  "out-of-memory": "The memory of the device does not suffice.",
  "prompt-too-long": "A prompt is too long.",
  "python-unusable": "No Python can compute the model.",
  "recipe-invalid": "The recipe has errors.",
  "request-invalid": "The engine did not accept the request.",
  "run-busy": "The run is in use.",
  "run-invalid": "The run cannot be used.",
  "run-unwritable": "The run folder cannot be written.",
  "steering-invalid": "The steering cannot be used.",
  "tokenizer-missing": "The model has no tokenizer.",
  "tokenizer-unsupported": "The model's tokenizer has an option that is not supported.",
  "output-not-finite": "The model's output is not finite.",
  "weights-invalid": "The weights cannot be read.",
  "worker-failed": "The PyTorch worker failed.",
};

/** The code of an error of Discern's, whether it arose here or in the engine; null for any other error. */
export function errorCode(error: unknown): ErrorCode | null {
  return error instanceof DiscernError ? error.code : null;
}

/** An error in words for the person at the workbench. */
export function wordError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  return code === null ? message : `${headings[code]} ${message}`;
}
