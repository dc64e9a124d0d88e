import type { Estimate } from "../../../protocol/comovement.ts";
import type { Report } from "../../../protocol/report.ts";
import type { Charts, Series } from "./charts.ts";
import type { Elements } from "./elements.ts";

/**
 * How refusal of the panels moved during training: curves, trails and figures. Runs inside the report page: it is embedded as
 * source text, so it may use nothing from outside itself but the browser and its arguments.
 */
export function training(report: Report, elements: Elements, charts: Charts): HTMLElement[] {
  const { el, data, table, percent, points, figure, interval, section, colourOf } = elements;
  if (report.series.length === 0) return [];
  const trained = [...new Set(report.series.map(({ arm }) => arm))];
  const groups = [
    { name: "toxic", colour: "--toxic", of: "toxic" },
    { name: "seemingly toxic", colour: "--seeming", of: "seeminglyToxic" },
    { name: "general", colour: "--general", of: "general" },
  ] as const;
  const stageNames = { contrastive: "contrast", supervised: "safety tuning" };
  const curves = trained.map((arm) => {
    const runs = report.series.filter((one) => one.arm === arm);
    const series = runs.flatMap(({ seed, points: probes }, run) =>
      groups.map(
        ({ name, colour, of }, style): Series => ({
          label: name,
          colour,
          style,
          legend: run === 0,
          points: probes.map((p) => ({
            x: p.step,
            y: p[of],
            text: `${name}, seed ${seed}, step ${p.step}: ${percent(p[of])}`,
          })),
        }),
      ),
    );
    return el(
      "div",
      {},
      el("h3", {}, arm),
      charts.lines({
        label: `Refusal probability of the three panels over the steps of ${arm}`,
        series,
        x: "step",
        y: "refusal probability",
        // Seeds of one recipe may leave a stage early at different steps; the first one's marks stand for all.
        marks: (runs[0]?.stages ?? []).map(({ kind, step }) => ({ x: step, name: stageNames[kind] })),
      }),
    );
  });
  const trail = report.series.map(
    ({ arm, seed, points: probes }, i): Series => ({
      label: arm,
      colour: colourOf(arm),
      style: trained.indexOf(arm),
      legend: report.series.findIndex((one) => one.arm === arm) === i,
      points: probes.map((p) => ({
        x: p.seeminglyToxic,
        y: p.toxic,
        text: `${arm}, seed ${seed}, step ${p.step}: toxic ${percent(p.toxic)}, seemingly toxic ${percent(p.seeminglyToxic)}`,
      })),
    }),
  );
  const withInterval = (found: Estimate | null) =>
    found ? `${figure(found.value)} (${interval(figure, found)})` : "–";
  const found = report.series.flatMap(({ arm, seed, comovement: figures }) =>
    figures ? [{ arm, seed, few: figures.few, ...figures.seeminglyToxic }] : [],
  );
  const brief = found.map(({ arm, seed, few, differences, spillOver, finalGap }) => [
    arm,
    `${seed}${few ? " (few probes)" : ""}`,
    ...[differences.pearson, spillOver].map((one) => (one ? figure(one.value) : "–")),
    points(finalGap),
  ]);
  const rows = found.map(({ arm, seed, levels, differences, spillOver, lags }) => [
    arm,
    `${seed}`,
    ...[levels.pearson, levels.spearman, differences.pearson, differences.spearman, spillOver].map(
      withInterval,
    ),
    lags
      .map(({ lag, correlation }) => `${lag}: ${correlation === null ? "–" : correlation.toFixed(2)}`)
      .join(", "),
  ]);
  const probes = report.series.flatMap(({ arm, seed, points: all }) =>
    all.map((p) => [
      arm,
      `${seed}`,
      `${p.step}`,
      percent(p.toxic),
      percent(p.seeminglyToxic),
      percent(p.general),
    ]),
  );
  return [
    section(
      "Co-movement during training",
      "Refusal probability on fixed panels, one line a seed. Where the two upper curves rise together, refusal " +
        "follows the form of a prompt; where only the toxic one rises, it follows its meaning.",
      el("div", { class: "multiples" }, curves),
      el(
        "div",
        { class: "plane" },
        el(
          "div",
          {},
          el("h3", {}, "Trails"),
          charts.lines({
            label: "Refusal of toxic against seemingly toxic prompts during training",
            series: trail,
            x: "refusal of seemingly toxic prompts",
            y: "refusal of toxic prompts",
            plane: true,
          }),
        ),
        el(
          "div",
          {},
          el(
            "p",
            { class: "about" },
            "Each trail starts near the lower left and ends at its large dot. On the dashed diagonal both groups are refused alike; the upper left corner is where a model should end. Spill-over β is the slope of seemingly toxic changes on toxic ones: 0 is decoupled, 1 moves as one.",
          ),
          table(["arm", "seed", "r of changes", "spill-over β", "final gap"], brief),
        ),
      ),
      data(
        "Every co-movement figure, with block-bootstrap intervals",
        [
          "arm",
          "seed",
          "r of levels",
          "ρ of levels",
          "r of changes",
          "ρ of changes",
          "spill-over β",
          "r of changes by lag",
        ],
        rows,
      ),
      data("Every probe", ["arm", "seed", "step", "toxic", "seemingly toxic", "general"], probes),
    ),
  ];
}
