/** Runs a plan of quadratic workshops in the folder given, for tests that kill it. */
import { quadraticPlan, runQuadratic, runQuadratics } from "./cellsOfQuadratics.ts";

await runQuadratics(quadraticPlan([0, 1]), process.argv[2]!, {
  execute: (cell, folder) => runQuadratic(cell, folder, { stepMs: 2 }),
});
process.stdout.write("finished");
