/**
 * The door of the command line. A command that computes begins anew with the allocator's settings, and does so before
 * the rest of the program is read, so that this costs a few hundredths of a second. So is a Node.js that is too old
 * refused: it cannot even read the rest.
 */
import { nodeTooOld } from "./nodeVersion.ts";
import { relaunch } from "./server/launch.ts";

const tooOld = nodeTooOld(process.versions.node);
if (tooOld !== null) {
  process.stderr.write(`discern: ${tooOld}\n`);
  process.exit(1);
}
const computing = new Set(["generate", "score", "evaluate", "run", "run-cell", "serve", "doctor", "probe"]);
if (computing.has(process.argv[2] ?? "")) relaunch();
await import("./cli.ts");
