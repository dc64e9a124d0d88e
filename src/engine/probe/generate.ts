import { DiscernError } from "../../protocol/errors.ts";
import type { Backend, GenerateOptions as BackendOptions, Generation, Tokens } from "../backend/backend.ts";
import { type ProgressOptions, withKept } from "./kept.ts";

export interface GenerateOptions
  extends Pick<BackendOptions, "maxNewTokens" | "batchSize" | "eosIds" | "sampling" | "onToken">,
    ProgressOptions<Generation> {}

/**
 * Continues prompts: greedily, the most probable token at every step and the first of equals, or by sampling.
 *
 * @param prompts tokens (at least one each) up to where the answers begin.
 * @returns the answers in the order of the prompts.
 * @throws DiscernError("prompt-too-long") when a prompt alone fills the model's context; ("output-not-finite").
 */
export async function generate(
  backend: Backend,
  prompts: readonly Tokens[],
  { onProgress, kept, ...options }: GenerateOptions,
): Promise<Generation[]> {
  checkLengths(prompts, backend.shape.contextLength);
  return withKept<Generation, Generation>(
    prompts.length,
    { ...(onProgress && { onProgress }), ...(kept && { kept }) },
    (batches) => backend.generate(prompts, { ...options, ...batches }),
    (answer) => answer,
  );
}

function checkLengths(prompts: readonly (readonly number[])[], limit: number): void {
  const longest = prompts.findIndex(({ length }) => length >= limit);
  if (longest < 0) return;
  throw new DiscernError(
    "prompt-too-long",
    `Prompt ${longest + 1} has ${prompts[longest].length} tokens, and the model's context holds ${limit}, so there is no ` +
      "room for an answer. Shorten or exclude it.",
  );
}
