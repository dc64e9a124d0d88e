import { DiscernError } from "../protocol/errors.ts";

/** The error of a run that has lost its folder. */
export function goneFailure(path: string): DiscernError {
  return new DiscernError(
    "run-unwritable",
    `${path} is gone: the run folder was deleted or moved while the run was under way.`,
  );
}

/**
 * Words an error of the file system for the person whose run it is.
 *
 * @returns DiscernError `disk-full` or `run-unwritable`; any other error as it is.
 */
export function writeFailure(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DiscernError(
      "disk-full",
      `${path} could not be written: the disk is full. What was saved before is intact: free some space and resume.`,
      { cause: error },
    );
  }
  if (code && ["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(code)) {
    return new DiscernError(
      "run-unwritable",
      `${path} cannot be written (${code}). Choose another run folder with --out, or mend its permissions.`,
      { cause: error },
    );
  }
  return error;
}
