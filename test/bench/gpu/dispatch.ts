import { join } from "node:path";
import { execa } from "execa";
import { median } from "simple-statistics";
import * as z from "zod";
import type { Context } from "./context.ts";

const foundSchema = z.object({ nodes: z.int().positive(), seconds: z.array(z.number()).min(1) });

/** Host time of a node of a WebGPU graph: Node.js has no graph capture, so that this is the least a step can take. */
export async function checkDispatch({ results, env, model, signal }: Context): Promise<void> {
  const folder = await model("narrow");
  const script = join(import.meta.dirname, "dispatchChild.ts");
  const { stdout } = await execa(process.execPath, [script, "webgpu", folder], { env, cancelSignal: signal });
  const { nodes, seconds } = foundSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  const each = (1e6 * median(seconds)) / nodes;
  await results.fact(
    "time of a node on WebGPU",
    `${each.toPrecision(3)} µs (LoRA step of a narrow model, 28 layers: ${nodes} nodes in ${(1e3 * median(seconds)).toPrecision(3)} ms)`,
  );
}
