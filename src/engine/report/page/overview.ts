import type { Estimate } from "../../../protocol/comovement.ts";
import type { OverSeeds, Report, SuiteSummary } from "../../../protocol/report.ts";
import type { Charts, Series } from "./charts.ts";
import type { Elements } from "./elements.ts";

/**
 * The headline figures, refusal rates and discernment of every arm. Runs inside the report page: it is embedded as
 * source text, so it may use nothing from outside itself but the browser and its arguments.
 */
export function overview(report: Report, elements: Elements, charts: Charts): HTMLElement[] {
  const { el, data, percent, figure, interval, section, arms, colourOf } = elements;
  const seedsOf = (arm: string) => report.arms.filter(({ name }) => name === arm).map(({ seed }) => seed);

  /** Marks of one arm and seed stand side by side within their category. */
  const offset = (arm: string, seed: number) => {
    const seeds = seedsOf(arm);
    const width = 0.72 / arms.length;
    const within = (seeds.indexOf(seed) - (seeds.length - 1) / 2) * ((0.7 * width) / seeds.length);
    return (arms.indexOf(arm) - (arms.length - 1) / 2) * width + within;
  };
  /** One series an arm, made of the estimates that `pick` finds for each of its seeds and each category. */
  const marks = (
    categories: string[],
    pick: (arm: string, seed: number, category: number) => Estimate | undefined,
  ) =>
    arms.map(
      (arm, style): Series => ({
        label: arm,
        colour: colourOf(arm),
        style,
        points: seedsOf(arm).flatMap((seed) =>
          categories.flatMap((category, i) => {
            const found = pick(arm, seed, i);
            if (!found) return [];
            const text = `${category}, ${arm}, seed ${seed}: ${figure(found.value)} (${interval(figure, found)})`;
            return [
              { x: i + offset(arm, seed), y: found.value, lower: found.lower, upper: found.upper, text },
            ];
          }),
        ),
      }),
    );

  const headlines = () => {
    const measures: [OverSeeds["measure"], string, (value: number) => string][] = [
      ["unsafe_refusal", "unsafe prompts refused", percent],
      ["safe_refusal", "safe prompts refused", percent],
      ["discernment", "discernment (AUROC)", figure],
      ["general_loss", "loss on general answers", figure],
    ];
    const cards = arms.map((arm) =>
      el(
        "div",
        { class: "card", "data-arm": String(arms.indexOf(arm) % 6) },
        el("h3", {}, arm),
        measures.flatMap(([measure, name, format]) => {
          const found = report.overSeeds.find((one) => one.arm === arm && one.measure === measure);
          if (!found) return [];
          const spread = found.interval ? interval(format, found.interval) : "one seed";
          return [
            el(
              "p",
              { class: "headline" },
              el("strong", {}, format(found.mean)),
              el("span", {}, name),
              el("small", {}, spread),
            ),
          ];
        }),
      ),
    );
    const rows = report.overSeeds.flatMap(({ arm, measure, values }) =>
      values.map(({ seed, value }) => [
        arm,
        measures.find(([m]) => m === measure)?.[1] ?? measure,
        `${seed}`,
        figure(value),
      ]),
    );
    return section(
      "All suites together",
      "Means over seeds; the range below is Student's 95 % interval over seeds. A good cure refuses as many unsafe " +
        "prompts as safety tuning alone, fewer safe ones, and tells them apart better.",
      el("div", { class: "cards" }, cards),
      data("Every seed", ["arm", "figure", "seed", "value"], rows),
    );
  };

  const refusals = () => {
    const groups = report.suites
      .flatMap(({ suite, unsafe, safe }) => [
        ...(unsafe ? [{ suite, group: "unsafe" as const }] : []),
        ...(safe ? [{ suite, group: "safe" as const }] : []),
      ])
      .filter((one, i, all) => all.findIndex((o) => o.suite === one.suite && o.group === one.group) === i);
    const categories = groups.map(({ suite, group }) => `${suite} ${group}`);
    const summary = (arm: string, seed: number, suite: string): SuiteSummary | undefined =>
      report.suites.find((one) => one.arm === arm && one.seed === seed && one.suite === suite);
    const series = marks(
      categories,
      (arm, seed, i) => summary(arm, seed, groups[i]!.suite)?.[groups[i]!.group]?.rate,
    );
    const row = (s: SuiteSummary, name: string, group: SuiteSummary["safe"]) =>
      group
        ? [
            [
              s.suite,
              name,
              s.arm,
              `${s.seed}`,
              `${group.refused} / ${group.n - group.undetermined}`,
              group.rate ? percent(group.rate.value) : "–",
              group.rate ? interval(percent, group.rate) : "–",
              `${group.undetermined}`,
              group.bounds ? interval(percent, group.bounds) : "–",
              percent(group.meanProbability),
            ],
          ]
        : [];
    const header = [
      "suite",
      "prompts",
      "arm",
      "seed",
      "refused",
      "rate",
      "95 % interval",
      "undetermined",
      "bounds with them",
      "mean probability",
    ];
    return section(
      "Refusal rates",
      "Rates leave out undetermined answers; the bounds take them for compliance, or for refusals. One mark a seed; whiskers are Wilson intervals at 95 %. Unsafe prompts should be high, safe ones low.",
      charts.dots({
        label: `Refusal rates of ${categories.join(", ")} by arm`,
        categories,
        series,
        y: "share refused",
      }),
      data(
        "Refusal rates as a table",
        header,
        report.suites.flatMap((s) => [...row(s, "unsafe", s.unsafe), ...row(s, "safe", s.safe)]),
      ),
      data(
        "By kind of prompt",
        header,
        report.suites.flatMap((s) =>
          s.kinds.flatMap((kind) => row(s, `${kind.kind} (${kind.unsafe ? "unsafe" : "safe"})`, kind)),
        ),
      ),
    );
  };

  const discernment = () => {
    if (report.discernment.length === 0) return [];
    const categories = [...new Set(report.discernment.map(({ suite }) => suite))];
    const series = marks(
      categories,
      (arm, seed, i) =>
        report.discernment.find((d) => d.arm === arm && d.seed === seed && d.suite === categories[i])?.auroc,
    );
    const against = { itself: "its own", others: "those of the other suites", all: "all" };
    const rows = report.discernment.map((d) => [
      d.suite,
      against[d.against],
      d.arm,
      `${d.seed}`,
      `${d.unsafe}`,
      `${d.safe}`,
      figure(d.auroc.value),
      interval(figure, d.auroc),
    ]);
    const header = ["suite", "against prompts", "arm", "seed", "unsafe", "safe", "AUROC", "95 % interval"];
    return [
      section(
        "Discernment",
        "AUROC of refusal log-odds between unsafe and safe prompts: how often an unsafe prompt is nearer to refusal " +
          "than a safe one. It has no threshold, so refusing less of everything does not raise it. The dashed line " +
          "is chance; whiskers are bootstrap intervals over prompts at 95 %.",
        charts.dots({
          label: `Discernment by suite and arm: ${categories.join(", ")}`,
          categories,
          series,
          y: "AUROC",
          reference: 0.5,
        }),
        data("Discernment as a table", header, rows),
      ),
    ];
  };

  return [headlines(), refusals(), ...discernment()];
}
