import type { RunEvent, RunEventOf } from "../../../src/protocol/events.ts";
import { panelNames } from "../../../src/protocol/webview/dashboard.ts";
import { randomIndex } from "../../../src/statistics/bootstrap.ts";

interface SyntheticRun {
  readonly seed: number;
  /** Steps of the contrastive stage; 0 for safety tuning alone. */
  readonly dcr: number;
  readonly stl: number;
  /** Steps between two probes. */
  readonly every: number;
  /** Prompts in each panel. */
  readonly prompts: number;
  /** A further measure that every probe has of every panel. */
  readonly measure?: {
    readonly measure: string;
    readonly title: string;
    readonly unit: "share" | "number" | "nats";
  };
}

/** The log of a run that never was, with the course of a real one: DCR → STL, or STL alone. */
export function syntheticRun({ seed, dcr, stl, every, prompts, measure }: SyntheticRun): RunEvent[] {
  const random = randomIndex(seed);
  const noise = () => random(2001) / 1000 - 1;
  const events: RunEvent[] = [];
  const header = () => ({
    at: new Date(Date.UTC(2026, 0, 1) + events.length * 1000).toISOString(),
    seq: events.length,
  });
  const plan = [
    ...(dcr > 0 ? [{ type: "contrastive" as const, steps: dcr }] : []),
    { type: "supervised" as const, steps: stl },
  ];
  events.push({
    type: "run-started",
    ...header(),
    name: `seed-${seed}`,
    model: "SmolLM2-135M-Instruct",
    device: "cpu",
    seed,
    hashes: {},
    stages: plan,
    totalSteps: dcr + stl,
  });
  const offsets = panelNames.map(() => Array.from({ length: prompts }, () => 2 * noise()));
  const measured = (centre: number) =>
    measure ? { measures: [{ ...measure, estimate: 2 + centre / 10 }] } : {};
  const probe = (globalStep: number, stage: number, step: number): RunEventOf<"probe"> => {
    const tuned = 1 - Math.exp((-6 * Math.max(0, globalStep - dcr)) / stl);
    const centres = [7 * tuned - 2.5, (dcr > 0 ? 0.2 : 5) * tuned - 4, 0.3 * tuned - 6];
    const [toxic, seeminglyToxic, general] = centres.map((centre, panel) => {
      const perPrompt = offsets[panel]!.map((own) => 1 / (1 + Math.exp(-centre - own - 0.2 * noise())));
      return { mean: perPrompt.reduce((sum, p) => sum + p, 0) / prompts, perPrompt, ...measured(centre) };
    });
    return {
      type: "probe",
      ...header(),
      stage,
      step,
      globalStep,
      toxic: toxic!,
      seeminglyToxic: seeminglyToxic!,
      general: general!,
      generalLoss: 1.4 + 0.1 * tuned + 0.01 * noise(),
    };
  };
  events.push(probe(0, 0, 0));
  let globalStep = 0;
  for (const [stage, { type, steps }] of plan.entries()) {
    events.push({ type: "stage-started", ...header(), stage, kind: type, steps });
    for (let step = 1; step <= steps; step++) {
      globalStep++;
      const done = step / steps;
      events.push({
        type: "step",
        ...header(),
        stage,
        step,
        globalStep,
        loss: 2 * Math.exp(-4 * done) + 0.8 + 0.2 * noise(),
        learningRate: 1e-4 * Math.min(1, 10 * done),
        gradientNorm: 1,
        tokens: 512,
        seconds: 1,
        ...(type === "contrastive" && { separation: done + 0.05 * noise(), retention: 0.03 * done }),
      });
      if (globalStep % every === 0) events.push(probe(globalStep, stage, step));
    }
  }
  return events;
}
