/** An engine whose main thread never turns its event loop again, until it is asked to stop; for a test. */
import { startLiveness } from "../../../src/engine/server/liveness.ts";

const liveness = await startLiveness(null);
process.stdout.write(`${liveness.pipe}\n`, () => {
  while (!liveness.stop.requested);
  void liveness.close();
});
