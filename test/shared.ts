import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * The path of `parts` inside the folder of real data and golden values that lies beside the project
 * (`DISCERN_SHARED` names another place).
 *
 * @throws when it is absent: a test that needs it must not pass without it.
 */
export function sharedPath(...parts: string[]): string {
  const root = process.env.DISCERN_SHARED ?? resolve(import.meta.dirname, "../../shared");
  const path = join(root, ...parts);
  if (!existsSync(path)) {
    throw new Error(
      `${path} does not exist. Put the shared folder beside the project, or name it in DISCERN_SHARED.`,
    );
  }
  return path;
}
