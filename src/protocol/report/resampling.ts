import * as z from "zod";
import { counted } from "../../wording/numbers.ts";

/** How the bootstrap intervals of a report were drawn; absent in reports of older versions, which drew each prompt by itself. */
export const resamplingSchema = z.object({
  /** What is drawn at once: the prompts that a suite's file pairs, and copies of one prompt; any other prompt by itself. */
  unit: z.literal("matched pair"),
  draws: z.int(),
  seed: z.int(),
  /** Units that hold prompts of both sides. */
  pairs: z.int(),
  /** All other units. */
  single: z.int(),
});
export type Resampling = z.infer<typeof resamplingSchema>;

/** What bootstrap intervals were drawn by, in a sentence. */
export function resamplingSentence({ pairs, single, draws }: Resampling): string {
  const drawn =
    pairs === 0
      ? "each prompt by itself, since the answers name no matched pair"
      : `matched pairs whole (${pairs})${single === 0 ? "" : ` and each of the other ${counted(single, "prompt")} by itself`}`;
  return `Bootstrap intervals: ${draws} resamples that draw ${drawn}.`;
}
