/** Runs the quadratic workshop in the folder given, for tests that kill it. */
import { runPipeline } from "../../../src/engine/run/pipeline.ts";
import { Stop, stopOnSignals } from "../../../src/engine/run/stop.ts";
import { quadraticWorkshop } from "./quadratic.ts";

const stop = new Stop();
stopOnSignals(() => stop.request());
const [folder, size] = process.argv.slice(2);
const end = await runPipeline(quadraticWorkshop({ stepMs: 2, size: Number(size ?? 64) }), {
  folder: folder!,
  probeEvery: 5,
  checkpoint: { every: 4, keep: 2, best: true },
  stop,
});
process.stdout.write(end);
