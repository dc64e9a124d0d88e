import { availableParallelism } from "node:os";
import { resolveModel } from "../../modelsHome/home.ts";
import { torchSchema } from "../../protocol/backend.ts";
import type { PlannedOpenings } from "../../protocol/openingsRequest.ts";
import type { Source } from "../../protocol/source.ts";
import { flopsPerCore } from "../../recipe/cost.ts";
import { passesSeconds } from "../../recipe/probeCost.ts";
import { PromptEncoder } from "../chat/encoding.ts";
import { promptTemplate } from "../chat/template.ts";
import type { DerivationOptions } from "../evaluate/derivedOpenings.ts";
import { loadModel, parameterCount } from "../model/load.ts";
import type { AskOptions } from "./ask.ts";
import type { OpeningSubject } from "./openingSubjects.ts";
import { type OpeningsQuestionOptions, openingsQuestion } from "./openingsQuestion.ts";
import { placeOf } from "./place.ts";

/**
 * Says what deriving openings would compute, without reading a model's weights.
 *
 * @param named models and run folders.
 * @throws DiscernError as `openingsQuestion`, `loadModel` and `placeOf`; the reason of `signal`.
 */
export async function planOpenings(
  named: readonly string[],
  sources: readonly Source[],
  ask: Omit<AskOptions, "model">,
  options: OpeningsQuestionOptions & {
    readonly derivation: Pick<DerivationOptions, "samples" | "maxNewTokens">;
  },
): Promise<PlannedOpenings> {
  const { judge, subjects, records, notices, near } = await openingsQuestion(named, sources, ask, options);
  const { samples, maxNewTokens } = options.derivation;
  const answers = subjects.length * records.length * samples;
  const prompts = records.map(({ prompt }) => prompt);
  let seconds: number | null = 0;
  for (const subject of subjects) {
    options.signal?.throwIfAborted();
    const own = await samplingSeconds(subject, prompts, options.derivation);
    seconds = own === null || seconds === null ? null : seconds + own;
  }
  const { title } = await judge.info();
  return {
    models: subjects.map(({ name }) => name),
    prompts: records.length,
    answers,
    tokens: answers * maxNewTokens,
    seconds,
    judge: { title, immediate: judge.immediate, isService: judge.isService ?? false },
    notices: [...notices, ...near],
  };
}

/** About how long a model takes to give its answers, at most; null where it is not computed on the processor, whose speed alone is known. */
async function samplingSeconds(
  { ask }: OpeningSubject,
  prompts: readonly string[],
  { samples, maxNewTokens }: Pick<DerivationOptions, "samples" | "maxNewTokens">,
): Promise<number | null> {
  const { model, root, backend = "auto", device, torch = torchSchema.parse({}), threads } = ask;
  const written = samples * prompts.length * maxNewTokens;
  const work = { prompts: samples * prompts.length, tokens: written };
  const place = await placeOf({ model, root, backend, device, torch, threads, work });
  if (place.device !== "cpu") return null;
  const { architecture, tokenizer } = await loadModel(await resolveModel(model, [root]), {
    needsTokenizer: true,
  });
  const encoder = new PromptEncoder(tokenizer, promptTemplate(tokenizer, ask.template, ask.chat));
  const rows = await encoder.prompts([...prompts]);
  const forward = samples * rows.reduce((sum, { length }) => sum + length, 0);
  const size = { parameters: parameterCount(architecture), architecture };
  const speed = (threads ?? availableParallelism()) * flopsPerCore;
  return passesSeconds({ forward, backward: 0, written }, size, speed);
}
