import * as vscode from "vscode";
import { DiscernError, type ErrorCode, errorCodes } from "../protocol/errors.ts";

/**
 * What each code means to a person at the workbench. The engine's message, which names the file, the key or the figure,
 * follows it.
 */
const headings: Record<ErrorCode, () => string> = {
  "architecture-unsupported": () => vscode.l10n.t("This kind of model cannot be trained."),
  "adapter-invalid": () => vscode.l10n.t("The adapter cannot be used."),
  "checkpoint-invalid": () => vscode.l10n.t("A checkpoint is damaged."),
  "column-missing": () => vscode.l10n.t("A column is missing."),
  "dataset-empty": () => vscode.l10n.t("There are no prompts to work with."),
  "dataset-unreadable": () => vscode.l10n.t("The prompt file cannot be read."),
  "device-unavailable": () => vscode.l10n.t("The device does not start."),
  "disk-full": () => vscode.l10n.t("The disk is full."),
  "download-failed": () => vscode.l10n.t("The download failed."),
  "file-missing": () => vscode.l10n.t("A file is missing."),
  "group-too-small": () => vscode.l10n.t("Too few prompts are labelled."),
  "labels-unwritable": () => vscode.l10n.t("The label could not be saved."),
  "loss-not-finite": () => vscode.l10n.t("Training diverged; the last good state is saved."),
  "model-invalid": () => vscode.l10n.t("The model cannot be read."),
  "model-missing": () => vscode.l10n.t("The model is missing."),
  "prompt-too-long": () => vscode.l10n.t("A prompt is too long."),
  "recipe-invalid": () => vscode.l10n.t("The recipe has faults."),
  "request-invalid": () => vscode.l10n.t("The engine did not accept the request."),
  "run-busy": () => vscode.l10n.t("The run is in use."),
  "run-invalid": () => vscode.l10n.t("The run cannot be used."),
  "run-unwritable": () => vscode.l10n.t("The run folder cannot be written."),
  "tokenizer-missing": () => vscode.l10n.t("The model has no tokenizer."),
  "tokenizer-unsupported": () => vscode.l10n.t("The model's tokenizer has an option that is not supported."),
  "output-not-finite": () => vscode.l10n.t("The model computes numbers that are not finite."),
  "weights-invalid": () => vscode.l10n.t("The weights cannot be read."),
};

/** The code of Discern's that an error carries, whether it arose here or in the engine; null for any other error. */
export function errorCode(error: unknown): ErrorCode | null {
  const code =
    error instanceof DiscernError ? error.code : (error as { data?: { code?: unknown } })?.data?.code;
  return (errorCodes as readonly unknown[]).includes(code) ? (code as ErrorCode) : null;
}

/** An error in words for the person at the workbench. */
export function wordError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = errorCode(error);
  return code === null ? message : `${headings[code]()} ${message}`;
}
