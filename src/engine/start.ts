/**
 * The door of the command line. A command that computes begins anew with the allocator's settings, and does so before
 * the rest of the program is read, so that this costs a few hundredths of a second.
 */
import { relaunch } from "./server/launch.ts";

const computing = new Set(["generate", "score", "evaluate", "run", "run-cell", "serve", "doctor", "probe"]);
if (computing.has(process.argv[2] ?? "")) relaunch();
await import("./cli.ts");
