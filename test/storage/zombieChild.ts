/** A process with a child that has ended and that it never waits for: it stops turning its event loop. */
import { spawn } from "node:child_process";

const child = spawn("true", { stdio: "ignore" });
process.send?.({ owner: child.pid }, () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
