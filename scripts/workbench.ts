/**
 * `npm run workbench`: VS Code in the browser with Discern in it, on a copy of the sample workspace, until Ctrl-C. The copy
 * and what was done in it are kept for the next time.
 */
import { join, resolve } from "node:path";
import { Command } from "commander";
import { writeSample } from "../src/extension/sample/files.ts";
import { startCodeServer } from "../test/workbench/codeServer.ts";

const root = join(import.meta.dirname, "..");
const sample = join(root, "runs/workspace");
const flags = new Command("workbench")
  .option("--port <number>", "port of the address", "8080")
  .option("--folder <folder>", "folder to open", sample)
  .parse()
  .opts<{ port: string; folder: string }>();
const folder = resolve(flags.folder);
if (folder === sample) await writeSample(sample, root);

const server = await startCodeServer({
  folder,
  home: join(root, ".cache/workbench/editor"),
  trust: "trusted",
  // Who opens it for the first time sees what a fresh install shows.
  settings: { "discern.walkthrough.opens": true },
  port: Number(flags.port),
});
process.stdout.write(`${server.url}\nCtrl-C ends it.\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.stop());
}
