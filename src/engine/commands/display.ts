import { blue, green, plot, red } from "asciichart";
import pc from "picocolors";
import { activityOf, activityWords } from "../../protocol/activity.ts";
import type { RunEvent, RunEventOf } from "../../protocol/events.ts";
import { chosenFigures, type LayerChoice } from "../../protocol/layerChoice.ts";
import { madeSentence } from "../../protocol/made.ts";
import { placeWords } from "../../protocol/place.ts";
import { chosenWords } from "../../protocol/steeringRecord.ts";
import { telemetryWords } from "../../protocol/telemetry.ts";
import { timeline } from "../../protocol/timeline.ts";
import { comovement } from "../../statistics/comovement.ts";
import { duration, figure, pace, probability, quantity } from "../../wording/numbers.ts";

/** Milliseconds between two pictures. */
const redrawEvery = 250;
const height = 12;

/** How events of a run are shown. */
export interface RunDisplay {
  show(event: RunEvent): void;
  /** Draws the last picture. */
  end(): void;
}

/** JSON lines for machines; a live chart on a terminal; plain lines elsewhere. */
export function runDisplay(json: boolean): RunDisplay {
  if (json) {
    return { show: (event) => process.stdout.write(`${JSON.stringify(event)}\n`), end: () => undefined };
  }
  return process.stderr.isTTY ? liveChart() : plainLines();
}

function plainLines(): RunDisplay {
  return {
    show(event) {
      const line = words(event);
      if (line) process.stderr.write(`${line}\n`);
    },
    end: () => undefined,
  };
}

function liveChart(): RunDisplay {
  const events: RunEvent[] = [];
  let lines = 0;
  let last = 0;
  const draw = (): void => {
    last = performance.now();
    const picture = chart(events, process.stderr.columns ?? 80);
    const back = lines ? `\u001b[${lines}A\u001b[0J` : "";
    process.stderr.write(`${back}${picture}\n`);
    lines = picture.split("\n").length;
  };
  return {
    show(event) {
      events.push(event);
      if (performance.now() - last >= redrawEvery) draw();
    },
    end() {
      if (events.length) draw();
      events.length = 0;
    },
  };
}

/** The picture of a run: refusal of both groups over steps, and below it where the run stands. */
export function chart(events: readonly RunEvent[], columns: number): string {
  const { started, steps, probes, stages, state } = timeline(events);
  const points = probes.map(({ globalStep, toxic, seeminglyToxic, general }) => ({
    step: globalStep,
    toxic: toxic.mean ?? 0,
    seeminglyToxic: seeminglyToxic.mean ?? 0,
    general: general.mean ?? 0,
  }));
  const out: string[] = [];
  if (points.length > 1) {
    const width = Math.max(20, columns - 12);
    const series = (["toxic", "seeminglyToxic", "general"] as const).map((key) =>
      stretch(
        points.map((point) => point[key]),
        width,
      ),
    );
    out.push(plot(series, { height, min: 0, max: 1, colors: [red, blue, green] }));
    out.push(
      `${pc.red("── toxic")}  ${pc.blue("── seemingly toxic")}  ${pc.green("── general")}  (refusal probability)`,
    );
  }
  const now = points.at(-1);
  if (now) {
    const slope = comovement(points, { draws: 0 })?.seeminglyToxic.spillOver?.value;
    out.push(
      `toxic ${probability(now.toxic)} · seemingly toxic ${probability(now.seeminglyToxic)} · ` +
        `gap ${figure(now.toxic - now.seeminglyToxic)} · spill-over ${figure(slope)}`,
    );
    for (const line of panelMeasures(probes.at(-1)!)) out.push(line);
  }
  const step = steps.at(-1);
  const stage = stages.at(-1);
  if (step && stage) {
    const secondsEach = mean(steps.slice(-10).map(({ seconds }) => seconds ?? 0));
    const left = started?.totalSteps ? secondsEach * (started.totalSteps - step.globalStep) : null;
    out.push(
      `stage ${stage.stage + 1}/${started?.stages.length ?? "?"} ${stage.kind} · step ${step.step}/${stage.steps} · ` +
        `loss ${figure(step.loss, "nats")} · ${stepFigures(step)}${pace(secondsEach)} per step` +
        (left === null || state !== "running" ? "" : ` · ${duration(left)} left`),
    );
  }
  const said = events.findLast(({ type }) => type !== "step" && type !== "probe" && type !== "checkpoint");
  const line = said && words(said);
  if (line) out.push(line);
  return out.join("\n");
}

/** What else a probe measured of the panels: "Entropy …: toxic 2.310, seemingly toxic 2.204, general 1.950". */
function panelMeasures({ toxic, seeminglyToxic, general }: RunEventOf<"probe">): string[] {
  const panels = { toxic, "seemingly toxic": seeminglyToxic, general };
  return (toxic.measures ?? []).map(({ measure, title, unit }) => {
    const means = Object.entries(panels).map(([name, { measures = [] }]) => {
      const found = measures.find((one) => one.measure === measure);
      return `${name} ${figure(found?.estimate, unit)}`;
    });
    return `${title}: ${means.join(", ")}`;
  });
}

/** One line about an event; null where a person need not be told. */
export function words(event: RunEvent): string | null {
  switch (event.type) {
    case "run-started":
      return [
        `Run ${event.name} of ${event.model} by ${placeWords(event)}${choiceReason(event)}: ${event.stages.map(({ type }) => type).join(", then ")}`,
        ...(event.memoryPlan ? [event.memoryPlan.text] : []),
      ].join("\n");
    case "resumed":
      return `Resumed at stage ${event.stage + 1}, step ${event.step}, by ${placeWords(event)}`;
    case "stage-started":
      return `Stage ${event.stage + 1}: ${event.kind}, ${event.steps} steps${event.layer ? ` at layer ${event.layer}` : ""}`;
    case "layer-chosen":
      return choiceWords(event);
    case "step":
      return (
        `step ${event.step}  loss ${figure(event.loss, "nats")}  norm ${figure(event.gradientNorm, "nats")}  ` +
        `${stepFigures(event)}${pace(event.seconds)}`
      );
    case "probe":
      return (
        `probe at ${event.globalStep}  toxic ${probability(event.toxic.mean)}  seemingly toxic ` +
        `${probability(event.seeminglyToxic.mean)}  general ${probability(event.general.mean)}  ` +
        `held-out loss ${figure(event.generalLoss, "nats")}${panelMeasures(event)
          .map((line) => `  ${line}`)
          .join("")}`
      );
    case "warning":
      return `Warning: ${event.message}`;
    case "stage-finished":
      return `Stage ${event.stage + 1} ended after ${event.step} steps: ${event.reason}`;
    case "stopped-early":
      return `Stopped early: ${event.reason}`;
    case "data-made":
      return madeSentence(event);
    case "steering-fitted":
      return `Fitted ${event.method}: ${chosenWords(event.chosen)}`;
    case "laboratory-measured":
      return `Measured ${event.probe} at ${event.state} in ${duration(event.seconds)}: probes/${event.file}`;
    case "making-progress":
    case "steering-progress":
    case "laboratory-progress":
    case "evaluation-progress":
    case "judging-progress": {
      const activity = activityOf(event);
      return activity && `${activityWords(activity)}: ${activity.done}/${activity.total}`;
    }
    case "run-finished":
      return event.report ? `Report: ${event.report}` : "Finished";
    case "run-stopped":
      return "Stopped";
    case "run-failed":
      return `Failed: ${event.message}`;
    case "telemetry":
      return telemetryWords(event).join(" · ");
    case "checkpoint":
    case "verdicts-known":
    case "service-used":
    case "reference-measured":
    case "suite-opened":
    case "suite-answered":
      return null;
  }
}

/** Why a run is on its device, where it was measured or could not be. */
function choiceReason({ deviceChoice }: RunEventOf<"run-started">): string {
  return deviceChoice ? ` (auto: ${deviceChoice.reason})` : "";
}

/** The layer that was chosen, with its AUROC and what the controls say. */
function choiceWords(choice: LayerChoice): string {
  const { layer, curve, heldOut, groups, folds, controls } = choice;
  const own = chosenFigures(choice);
  const what = heldOut === "category" ? "categories" : "matched pairs and single prompts";
  return (
    `Layer ${layer} of ${curve.length}: AUROC ${figure(own?.auroc)} (SE ${figure(own?.standardError)}) on held-out ${what} ` +
    `(${groups} in ${folds} folds); controls: shuffled labels ${figure(own?.shuffled.mean)} (best layer of ` +
    `${controls.draws} draws ${figure(controls.shuffledBest)}), character n-grams ${figure(controls.surface.auroc)}, source ` +
    (controls.source ? figure(controls.source.auroc) : "– (one source)")
  );
}

/** What a step says beside its loss: of the groups and of general prompts, or of preferences. */
function stepFigures({ separation, retention, margin, accuracy }: RunEventOf<"step">): string {
  const separated = separation == null ? "" : `separation ${figure(separation)}  `;
  const retained = retention == null ? "" : `retention ${quantity(retention)}  `;
  const preferred =
    margin == null ? "" : `margin ${figure(margin, "nats")}  accuracy ${probability(accuracy)}  `;
  return `${separated}${retained}${preferred}`;
}

/** A series drawn `width` columns wide at the most, or as wide as it is long if that is more. */
function stretch(values: readonly number[], width: number): number[] {
  const count = Math.max(2, Math.min(width, values.length * 4));
  return Array.from(
    { length: count },
    (_, i) => values[Math.round((i * (values.length - 1)) / (count - 1))]!,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
