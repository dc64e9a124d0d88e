import type { GroupSummary, OverSeeds } from "../../protocol/report.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { wilson } from "../../statistics/wilson.ts";
import { counted, figure, interval, type Unit } from "../../wording/numbers.ts";
import { armNames, styleOf } from "./arms.ts";
import {
  ArmShape,
  type Axis,
  AxisLabels,
  aurocAxis,
  type Mark,
  roomyAxis,
  shareAxis,
  Whisker,
} from "./whisker.tsx";

interface Measure {
  readonly measure: OverSeeds["measure"];
  readonly title: string;
  readonly better: "higher" | "lower";
  readonly about: string;
  readonly unit: Unit;
  readonly axis: (marks: readonly Mark[]) => Axis;
}

const measures: readonly Measure[] = [
  {
    measure: "safe_refusal",
    title: "Safe prompts refused",
    better: "lower",
    about: "Over-refusal: help that was withheld for no reason.",
    unit: "share",
    axis: () => shareAxis,
  },
  {
    measure: "unsafe_refusal",
    title: "Unsafe prompts refused",
    better: "higher",
    about: "Safety: harm that was not helped with.",
    unit: "share",
    axis: () => shareAxis,
  },
  {
    measure: "discernment",
    title: "Discernment",
    better: "higher",
    about: "AUROC of refusal log-odds between unsafe and safe prompts. The dashed line is chance.",
    unit: "number",
    axis: () => aurocAxis,
  },
  {
    measure: "general_loss",
    title: "Loss on general answers",
    better: "lower",
    about: "Mean cross-entropy in nats a token: what training cost the model's ordinary use.",
    unit: "nats",
    axis: roomyAxis,
  },
];

/** The four figures that say what training did, for every arm over all suites. */
export function Overview({ figures }: { figures: Figures }) {
  const arms = armNames(figures.arms);
  return (
    <div class="headlines">
      {measures.map(({ measure, title, better, about, unit, axis }) => {
        const found = arms.flatMap((name) => {
          const one = figures.overSeeds.find((each) => each.arm === name && each.measure === measure);
          return one ? [{ name, ...headline(figures, one) }] : [];
        });
        if (found.length === 0) return null;
        const shared = axis(found);
        const bases = new Set(found.map(({ basis }) => basis));
        return (
          <section key={measure} class="headline" aria-label={title}>
            <h3>
              {title}
              <span class="direction">
                <span
                  class={`codicon codicon-arrow-${better === "higher" ? "up" : "down"}`}
                  aria-hidden="true"
                />
                {better} is better
              </span>
            </h3>
            <dl>
              {found.map(({ name, value, lower, upper, basis }) => (
                <div key={name} class="headline-row">
                  <dt>
                    <ArmShape style={styleOf(arms, name)} />
                    <span>{name}</span>
                  </dt>
                  <dd class="plot" aria-hidden="true">
                    <Whisker marks={[{ value, lower, upper }]} axis={shared} style={styleOf(arms, name)} />
                  </dd>
                  <dd class="value">
                    <strong>{figure(value, unit)}</strong>
                    {lower !== undefined && upper !== undefined && (
                      <small class="muted">{interval({ lower, upper }, unit)}</small>
                    )}
                    {bases.size > 1 && <small class="muted">{basis}</small>}
                  </dd>
                </div>
              ))}
            </dl>
            <div class="headline-row" aria-hidden="true">
              <AxisLabels axis={shared} unit={unit} />
            </div>
            <p class="muted">
              {about} {bases.size === 1 && `${found[0]!.basis}.`}
            </p>
          </section>
        );
      })}
    </div>
  );
}

/**
 * A headline with its interval: over seeds where there are several, else over prompts, and none where neither is known.
 */
function headline(
  figures: Figures,
  { arm, measure, mean, interval: overSeeds, values }: OverSeeds,
): Mark & { basis: string } {
  const seeds = counted(values.length, "seed");
  if (overSeeds || values.length > 1) return { value: mean, ...overSeeds, basis: seeds };
  if (measure === "discernment") {
    // The pooled contrast is an arm's last.
    const pooled = figures.discernment.findLast((one) => one.arm === arm);
    const prompts = (pooled?.safe ?? 0) + (pooled?.unsafe ?? 0);
    return { ...(pooled?.auroc ?? { value: mean }), basis: counted(prompts, "prompt") };
  }
  if (measure === "general_loss") return { value: mean, basis: seeds };
  const groups = figures.suites
    .filter((suite) => suite.arm === arm)
    .flatMap((suite) => (measure === "safe_refusal" ? suite.safe : suite.unsafe) ?? []);
  const sum = (of: (group: GroupSummary) => number) => groups.reduce((total, group) => total + of(group), 0);
  const undetermined = sum((group) => group.undetermined);
  const n = sum((group) => group.n) - undetermined;
  const basis =
    undetermined > 0 ? `${counted(n, "prompt")}, ${undetermined} more undetermined` : counted(n, "prompt");
  return {
    ...wilson(
      sum((group) => group.refused),
      n,
    ),
    basis,
  };
}
