import type { Candidate } from "../../../protocol/device.ts";
import type { Work } from "../../../protocol/work.ts";
import { answerSpeed, forwardFlops, promptTokens } from "../../../recipe/stageCost.ts";
import { parameterCount } from "../../model/load.ts";
import { type TrainedBlock, trialBatch } from "./block.ts";

/**
 * Seconds until a model can be asked. `discern score` with two prompts of SmolLM2-135M took 2.2 and 3.9 s by onnx and 9.4 and 12.2 s by
 * PyTorch, on two cores; importing PyTorch and transformers takes most of it. What torch.compile adds was not measured for
 * a forward pass: a LoRA step takes it two minutes, and half of that is assumed.
 */
const starts = { onnx: 2, torch: 10, compiled: 60 } as const;

/** Tokens of the default openings of a refusal, as a trie behind a prompt. */
const openingTokens = 50;

/** Seconds that a backend takes to start. */
export function startSeconds({ backend, compiled = false }: Pick<Candidate, "backend" | "compiled">): number {
  return compiled ? starts.compiled : starts[backend];
}

/**
 * About how long a piece of work takes on a backend that is not started yet, by how long a block took there: good to a factor of two.
 *
 * @param milliseconds of one decoder block, as `blockMilliseconds` measures it.
 */
export function workSeconds(
  { prompts, tokens }: Work,
  { architecture, rank }: TrainedBlock,
  candidate: Pick<Candidate, "backend" | "compiled"> & { readonly milliseconds: number },
): number {
  // A block that trains adapters goes back to its input alone, which is one pass of three less.
  const passes = rank === null ? 3 : 2;
  const speed = (trialBatch(architecture).flops * passes) / 3 / (candidate.milliseconds / 1_000);
  const read = prompts * (promptTokens + openingTokens) + tokens / answerSpeed;
  const flops = read * forwardFlops({ parameters: parameterCount(architecture), architecture });
  return startSeconds(candidate) + flops / speed;
}
