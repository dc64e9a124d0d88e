import type { RunEvent } from "../../../src/protocol/events.ts";

type Fields = Record<string, unknown> & { type: RunEvent["type"] };

const panel = (mean: number) => ({ mean, perPrompt: [mean] });

/** Numbers and dates events as a log does: one a second. */
export function eventsOf(fields: readonly Fields[], from = 0): RunEvent[] {
  return fields.map((each, i) => {
    const seq = from + i;
    return { seq, at: new Date(Date.UTC(2026, 0, 1) + 1000 * seq).toISOString(), ...each } as RunEvent;
  });
}

export const started = (...stages: [type: string, steps: number | null][]): Fields => ({
  type: "run-started",
  name: "dcr",
  model: "tiny",
  device: "cpu",
  seed: 1,
  hashes: {},
  stages: stages.map(([type, steps]) => ({ type, steps })),
  totalSteps: null,
});

export const stage = (index: number, kind: string, steps: number): Fields => ({
  type: "stage-started",
  stage: index,
  kind,
  steps,
});

export const step = (globalStep: number): Fields => ({
  type: "step",
  stage: 0,
  step: globalStep,
  globalStep,
  loss: 1,
  learningRate: 1,
  gradientNorm: 1,
  tokens: 1,
  seconds: 1,
});

export const probe = (globalStep: number, toxic: number, seemingly: number): Fields => ({
  type: "probe",
  stage: 0,
  step: globalStep,
  globalStep,
  toxic: panel(toxic),
  seeminglyToxic: panel(seemingly),
  general: panel(0),
  generalLoss: 2,
});

export const resumed = (globalStep: number): Fields => ({
  type: "resumed",
  stage: 0,
  step: globalStep,
  globalStep,
  checkpoint: "a",
  skipped: [],
  device: "webgpu",
});

/** The steps `from` to `to`. */
export const steps = (from: number, to: number): Fields[] =>
  Array.from({ length: to - from + 1 }, (_, i) => step(from + i));
