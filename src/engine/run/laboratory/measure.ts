import { setImmediate as breathe } from "node:timers/promises";
import project from "../../../../package.json" with { type: "json" };
import type { ChatOptions } from "../../../protocol/chat.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import type { ProbeContract } from "../../../protocol/probe/contract.ts";
import {
  type ModelState,
  type ProbePlan,
  type ProbePrompt,
  type ProbeResult,
  probePlanSchema,
  type TrainingPrompt,
} from "../../../protocol/probe/result.ts";
import type { NewProbeResult } from "../../../runFolder/probeFile.ts";
import type { BackendShape } from "../../backend/backend.ts";
import type { PromptTemplate } from "../../chat/template.ts";
import { judgedOutcomes } from "../../evaluate/judgedOutcomes.ts";
import type { JudgeContext } from "../../evaluate/judges/judge.ts";
import { type JudgingOptions, Spending } from "../../evaluate/judging.ts";
import { linearModules } from "../../model/architecture.ts";
import { type LoadedModel, parameterCount } from "../../model/load.ts";
import type { ProbeDefinition, ProbeQuestion, StateSession } from "../../probe/definition.ts";
import { releaseModel } from "../../session/session.ts";
import { watchPeak } from "../peakMemory.ts";
import type { ProbeRows } from "./rows.ts";

/** What is asked of a probe besides its prompts. */
export interface Asked {
  readonly options: Record<string, unknown>;
  readonly seed: number;
  readonly states: readonly ModelState[];
  readonly contrastLayer: number | null;
}

/** A probe's question about a model whose files were read. */
export function questionOf(
  { architecture }: Pick<LoadedModel, "architecture">,
  { prompts, training, openings }: ProbeRows,
  asked: Asked,
): ProbeQuestion<Record<string, unknown>> {
  const { layers, hiddenSize, vocabSize, contextLength } = architecture;
  const shape: BackendShape = {
    ...{ layers, hiddenSize, contextLength },
    vocabularySize: vocabSize,
    linears: linearModules(architecture),
  };
  return {
    ...asked,
    ...{ shape, architecture, prompts, training, openings },
    parameters: parameterCount(architecture),
  };
}

/**
 * The states that a probe takes.
 *
 * @throws DiscernError `request-invalid` where it takes another number of them.
 */
export function refuseStates({ id, states: need }: ProbeContract, states: readonly ModelState[]): void {
  const names = states.map(({ name }) => name).join(", ");
  const wanted =
    need === "one" && states.length !== 1
      ? "one state"
      : need === "trail" && states.length < 2
        ? "two or more states of a run"
        : states.length === 0
          ? "at least one state"
          : null;
  if (wanted === null) return;
  throw new DiscernError(
    "request-invalid",
    `The probe ${id} measures ${wanted}, not ${states.length} (${names}). Name them with --state.`,
  );
}

/** What a probe computes. @throws DiscernError `request-invalid` for options that do not fit the model. */
export function planOf(probe: ProbeDefinition, question: ProbeQuestion<Record<string, unknown>>): ProbePlan {
  return probePlanSchema.parse(probe.plan(question));
}

/** How a measurement is followed, and what it opens. */
export interface Measuring {
  /** Opens the model at a state. */
  readonly open: (state: ModelState) => Promise<StateSession>;
  /** Whether a model that was opened is given back; not where it is that of a run under way. */
  readonly releases: boolean;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** What judges are made with, and what ends their work. */
  readonly judging: JudgeContext & Pick<JudgingOptions, "signal" | "onUsed">;
  /** Asked between batches. @throws where the measurement was cancelled. */
  readonly check: () => void;
}

/** What a result says of the model and of how it was asked. */
export interface ResultHead {
  readonly model: Pick<ProbeResult["model"], "name" | "path" | "adapters">;
  readonly run: ProbeResult["run"];
  readonly template: PromptTemplate["name"];
  readonly chat: ChatOptions;
  readonly openings: readonly string[];
}

/**
 * Measures a probe.
 *
 * @returns the result, ready to be written.
 * @throws what opening a state, the probe and `check` throw.
 */
export async function measure(
  probe: ProbeDefinition,
  question: ProbeQuestion<Record<string, unknown>>,
  head: ResultHead,
  notices: readonly string[],
  { open, releases, judging, onProgress, check }: Measuring,
): Promise<NewProbeResult> {
  refuseStates(probe.contract, question.states);
  const plan = planOf(probe, question);
  const began = performance.now();
  const peak = watchPeak();
  const spending = new Spending();
  let current: { readonly state: ModelState; readonly session: StateSession } | null = null;
  let place: Pick<ProbeResult["model"], "device" | "backend"> | null = null;
  const close = async () => {
    if (current !== null && releases) await releaseModel(current.session);
    current = null;
  };
  try {
    const measured = await probe.measure({
      ...question,
      async at(state, work) {
        check();
        // A state that is asked for again at once is still open.
        if (current?.state.name !== state.name) {
          await close();
          current = { state, session: await open(state) };
        }
        const { session } = current!;
        place = { device: session.backend.device, backend: session.backend.about };
        return session.backend.interruptible(check, () => work(session));
      },
      async judge(judge, answers) {
        check();
        await close();
        return judgedOutcomes(judge, answers, {
          ...{ ...judging, onKnown: spending.following.onKnown },
          onUsed(service, used) {
            spending.following.onUsed(service, used);
            judging.onUsed?.(service, used);
          },
        });
      },
      onProgress: onProgress ?? (() => undefined),
      check,
    });
    await breathe();
    check();
    if (place === null) throw new Error(`the probe ${probe.contract.id} opened no state`);
    const { title, id } = probe.contract;
    const { states, seed, options, prompts, training } = question;
    return {
      format: 1,
      probe: id,
      title,
      created: new Date().toISOString(),
      version: project.version,
      model: { ...head.model, ...(place as Pick<ProbeResult["model"], "device" | "backend">) },
      run: head.run,
      states: [...states],
      asked: { template: head.template, ...head.chat },
      openings: [...head.openings],
      prompts: prompts.map(wordsOf),
      training: training.map((row) => ({
        ...{ ...wordsOf(row), part: row.part, response: row.response },
        ...(row.rejected !== undefined && { rejected: row.rejected }),
      })),
      options,
      seed,
      cost: {
        ...{ ...plan, seconds: (performance.now() - began) / 1000, peakBytes: peak() },
        ...(spending.spent.length > 0 && { services: spending.spent }),
      },
      figures: measured.figures,
      tables: [...measured.tables],
      caveats: [...notices, ...measured.caveats],
    };
  } finally {
    await close();
  }
}

/** A prompt without its tokens. */
function wordsOf({
  id,
  prompt,
  file,
  line,
  group,
  category,
  pair,
  source,
}: ProbePrompt | TrainingPrompt): ProbePrompt {
  return {
    ...{ id, prompt, file, line, group },
    ...(category === undefined ? {} : { category }),
    ...(pair === undefined ? {} : { pair }),
    ...(source === undefined ? {} : { source }),
  };
}
