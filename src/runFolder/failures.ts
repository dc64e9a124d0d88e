import { existsSync } from "node:fs";
import { DiscernError } from "../protocol/errors.ts";

/** The error of a run that has lost its folder. */
export function goneFailure(path: string): DiscernError {
  return new DiscernError(
    "run-unwritable",
    `${path} is gone: the run folder was deleted or moved while the run was under way.`,
  );
}

/** What the file system's codes mean. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOTDIR: "a file is in the place of a folder",
  EEXIST: "a file has this name",
  EISDIR: "a folder has this name",
  ENAMETOOLONG: "the name is too long",
};

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
  if (code && Object.hasOwn(reasons, code)) {
    return new DiscernError(
      "run-unwritable",
      `${path} cannot be written (${reasons[code] ?? code}). Choose another folder with --out, or fix its permissions.`,
      { cause: error },
    );
  }
  return error;
}

/**
 * Words an error of the file system that ended a run.
 *
 * @param folder of the run; everything that a run writes is in it.
 */
export function runFailure(error: unknown, folder: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (error instanceof DiscernError || code === undefined) return error;
  if (code === "ENOENT" && !existsSync(folder)) return goneFailure(folder);
  return writeFailure(error, path ?? folder);
}
