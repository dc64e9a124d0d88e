/**
 * A process that takes locks when it is told to. Messages: `{ path, at }` takes the lock of a path at a time and answers who
 * got it; "release" gives it back; "keep" forgets it.
 */
import { type Lock, takeLock } from "../../src/storage/lock.ts";

let lock: Lock | null = null;
process.on("message", async (message: "release" | { path: string; at: number }) => {
  if (message === "release") {
    if (lock?.taken) await lock.release();
    lock = null;
    process.send?.({ released: true });
    return;
  }
  // All contenders begin in the same moment: a timer would be milliseconds late.
  while (Date.now() < message.at);
  try {
    lock = await takeLock(message.path);
    process.send?.({ taken: lock.taken, owner: lock.taken ? process.pid : (lock.owner?.pid ?? null) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
});
process.send?.({ ready: true });
