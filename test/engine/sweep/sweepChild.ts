/** Runs the sweep of twelve trials in the folder given, for a test that kills it. */
import { runTinySweep, tinySweep, twelve } from "./trials.ts";

const [root, folder] = process.argv.slice(2);
const { end } = await runTinySweep(await tinySweep(root!, twelve), folder!);
process.stdout.write(end);
