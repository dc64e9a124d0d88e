/**
 * The door of the command line. A Node.js that is too old is refused before the rest of the program is read, which it cannot
 * read. A command that computes begins anew with the allocator's settings, here, so that this costs a few hundredths of a second.
 */
import { oldestNode, runsEngine } from "../protocol/nodeVersion.ts";
import { relaunch } from "./server/launch.ts";

if (!runsEngine(process.version)) {
  process.stderr.write(
    `discern: Discern needs Node.js ${oldestNode.join(".")} or newer; this is ${process.version} (${process.execPath}). ` +
      "Install a newer one. In a clone of Discern, `npx node dist/cli.js` takes the one that `npm ci` installed.\n",
  );
  process.exit(1);
}
const computing = new Set(["generate", "score", "evaluate", "run", "run-cell", "serve", "doctor", "probe"]);
if (computing.has(process.argv[2] ?? "")) relaunch();
await import("./cli.ts");
