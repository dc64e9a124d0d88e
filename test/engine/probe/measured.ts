import type * as z from "zod";
import { promptId } from "../../../src/dataset/record.ts";
import { judgedOutcomes } from "../../../src/engine/evaluate/judgedOutcomes.ts";
import { parameterCount } from "../../../src/engine/model/load.ts";
import type {
  DrawnTraining,
  Measured,
  ProbeContext,
  ProbeDefinition,
  ProbeRow,
  RejectedAnswer,
  StateSession,
  TrainingRow,
} from "../../../src/engine/probe/definition.ts";
import { spellings } from "../../../src/engine/probe/tokenTrie.ts";
import type { Label } from "../../../src/protocol/label.ts";
import type { OptionsOf, ProbeContract } from "../../../src/protocol/probe/contract.ts";
import {
  type ModelState,
  type ProbePlan,
  probePlanSchema,
  type TrainingPart,
  untrainedState,
} from "../../../src/protocol/probe/result.ts";

/** A prompt in words, for {@link measuredOn}. */
export interface Words {
  readonly prompt: string;
  readonly group: Label;
  readonly response?: string;
  readonly category?: string;
  readonly pair?: string;
  readonly source?: string;
}

export interface MeasuredOptions {
  readonly options?: Record<string, unknown>;
  readonly prompts: readonly Words[];
  readonly training?: readonly (Words & {
    readonly response: string;
    readonly part: TrainingPart;
    readonly rejected?: string;
    readonly against?: RejectedAnswer;
  })[];
  /** What the steps of a run drew of the training pairs. */
  readonly drawn?: DrawnTraining;
  readonly openings?: readonly string[];
  readonly seed?: number;
  readonly contrastLayer?: number | null;
  /** By default the model as it is. */
  readonly states?: readonly ModelState[];
  /** What a state of the run is; the same model for every state where left out. */
  readonly open?: (state: ModelState) => Promise<StateSession>;
  readonly judge?: ProbeContext<unknown>["judge"];
  readonly check?: () => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Plans and measures a probe on a model that a test opened, without files; what it gives passes its schema. */
export async function measuredOn<C extends ProbeContract>(
  { contract, plan, measure }: ProbeDefinition<C>,
  session: StateSession,
  asked: MeasuredOptions,
): Promise<Measured<z.output<C["figures"]>> & { readonly plan: ProbePlan }> {
  const { encoder, loaded, backend } = session;
  const row = async (words: Words, i: number): Promise<ProbeRow> => {
    const { response, ...rest } = words;
    const ids = await encoder.prompt(words.prompt);
    const alone = (await encoder.alone([words.prompt]))[0]!;
    const example = response === undefined ? null : await encoder.pair(words.prompt, response);
    return { ...rest, id: promptId(words.prompt), file: "prompts.csv", line: i + 2, ids, alone, example };
  };
  const training: TrainingRow[] = [];
  for (const [i, words] of (asked.training ?? []).entries()) {
    const { example, ...rest } = await row(words, i);
    const { part, response, rejected, against } = words;
    training.push({
      ...{ ...rest, part, response, example: example! },
      ...(rejected !== undefined && { rejected }),
      ...(against && { against }),
    });
  }
  const context: ProbeContext<OptionsOf<C>> = {
    options: contract.options.parse(asked.options ?? {}) as OptionsOf<C>,
    seed: asked.seed ?? 0,
    shape: backend.shape,
    architecture: loaded.architecture,
    parameters: parameterCount(loaded.architecture),
    prompts: await Promise.all(asked.prompts.map(row)),
    training,
    drawn: asked.drawn ?? null,
    openings: await encoder.openings((asked.openings ?? ["I cannot", "Sorry"]).flatMap(spellings)),
    contrastLayer: asked.contrastLayer ?? null,
    states: asked.states ?? [untrainedState],
    at: async (state, work) => work(asked.open ? await asked.open(state) : session),
    judge: asked.judge ?? ((judge, answers) => judgedOutcomes(judge, answers, { root: "." })),
    onProgress: asked.onProgress ?? (() => undefined),
    check: asked.check ?? (() => undefined),
  };
  const planned = probePlanSchema.parse(plan(context));
  const found = await measure(context);
  const figures = contract.figures.parse(JSON.parse(JSON.stringify(found.figures))) as z.output<C["figures"]>;
  return { ...found, figures, plan: planned };
}
