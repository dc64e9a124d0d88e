import { join } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { machineFacts } from "./card.ts";
import type { Context } from "./context.ts";

const peakSchema = z.object({
  bfloat16: z.number(),
  float32: z.number(),
  torch: z.string(),
  transformers: z.string(),
  peft: z.string().nullable(),
  device: z.string(),
});

/** Names of card, driver and versions, and the card's measured peak of matrix products. */
export async function describeMachine({ results, env, python, torchDevice, signal }: Context): Promise<void> {
  for (const [name, value] of Object.entries(await machineFacts(env))) await results.fact(name, value);
  if (python === null) {
    await results.fact("Python", "none with torch was found (DISCERN_PYTHON names one)");
    return;
  }
  const script = join(import.meta.dirname, "../peer/peak.py");
  const { stdout } = await execa(python, [script, torchDevice], { env, cancelSignal: signal });
  const found = peakSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  const tera = (rate: number) => `${(rate / 1e12).toPrecision(3)} TFLOP/s`;
  await results.peak(found.bfloat16);
  await results.fact(
    "PyTorch",
    `${found.torch} on ${found.device}, transformers ${found.transformers}, peft ${found.peft ?? "missing"}`,
  );
  await results.fact(
    "peak of matrix products, measured",
    `bf16 ${tera(found.bfloat16)}, f32 ${tera(found.float32)}`,
  );
}
