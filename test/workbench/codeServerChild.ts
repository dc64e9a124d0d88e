import { spawn } from "node:child_process";
import { endMarked, markName } from "./processes.ts";

/**
 * A process of its own between a test and code-server: `node codeServerChild.ts MARK ENTRY ARGUMENTS…`. When its parent
 * ends, in whatever way, or closes the channel, it ends everything that code-server has started, and then itself.
 */
const [mark, ...program] = process.argv.slice(2) as [string, ...string[]];
const editor = spawn(process.execPath, program, {
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...process.env, [markName]: mark },
});

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  // A run that is told to end saves its step first.
  await endMarked(mark, 10_000);
  editor.kill("SIGKILL");
  process.exit();
}
process.on("disconnect", end);
process.on("SIGTERM", end);
// Ctrl-C reaches this process too; its parent says when to end.
process.on("SIGINT", () => {});
editor.on("exit", end);
