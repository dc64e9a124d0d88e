/** Stands for a window: starts an engine, says its process id, and lives until it is killed. */
import { join } from "node:path";
import { startEngine } from "../../../src/extension/engine/process.ts";

const engine = await startEngine({
  node: process.execPath,
  cli: join(import.meta.dirname, "../../../src/engine/start.ts"),
  parent: process.pid,
  patience: 60_000,
  onLine: () => undefined,
});
process.stdout.write(`${engine.pid}\n`);
