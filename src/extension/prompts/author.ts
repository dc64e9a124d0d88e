import { userInfo } from "node:os";

/** The name that labels carry: the one set, else that of the user of this machine. */
export function authorName(configured: string): string {
  return configured.trim() || userName();
}

function userName(): string {
  try {
    return userInfo().username || "unknown";
  } catch {
    // A container may run under a user id that has no entry, and then no name.
    return "unknown";
  }
}
