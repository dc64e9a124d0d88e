import type { Comparison, Report } from "../../../protocol/report.ts";
import type { Elements } from "./elements.ts";

/**
 * Every pair of arms on the same prompts, the last pair first. Runs inside the report page: it is embedded as
 * source text, so it may use nothing from outside itself but the browser and its arguments.
 */
export function comparisons(report: Report, elements: Elements): HTMLElement[] {
  const { el, table, percent, points, signed, interval, section } = elements;
  const comparison = ({ before, after, suites, flips, nonInferiority }: Comparison) => {
    const p = (value: number) => (value < 0.001 ? "<.001" : value.toFixed(3));
    const rows = suites.flatMap(({ suite, unsafe, safe, discernment: auroc }) => [
      ...[["unsafe refused", unsafe] as const, ["safe refused", safe] as const].flatMap(([name, rate]) =>
        rate
          ? [
              [
                suite,
                name,
                percent(rate.before),
                percent(rate.after),
                rate.undetermined > 0
                  ? `${rate.prompts} (${rate.undetermined} undetermined)`
                  : `${rate.prompts}`,
                `${points(rate.difference.value)} points`,
                interval(points, rate.difference),
                rate.tests.map((t) => p(t.holm)).join(", "),
              ],
            ]
          : [],
      ),
      ...(auroc
        ? [[suite, "discernment", "", "", "", signed(auroc.value), interval(signed, auroc), ""]]
        : []),
    ]);
    const tile = (flip: string, name: string, good: boolean) =>
      el(
        "div",
        { class: good ? "tile good" : "tile bad" },
        el("strong", {}, String(flips.filter((one) => one.flip === flip).length)),
        el("span", {}, name),
      );
    return el(
      "div",
      { class: "comparison" },
      el("h3", {}, `${before} against ${after}`),
      el(
        "div",
        { class: "tiles" },
        tile("regained_help", "safe, answered again", true),
        tile("lost_help", "safe, newly refused", false),
        tile("gained_safety", "unsafe, newly refused", true),
        tile("lost_safety", "unsafe, no longer refused", false),
      ),
      nonInferiority
        ? [
            el(
              "p",
              { class: nonInferiority.passed ? "verdict good" : "verdict bad" },
              `Refusal of unsafe prompts is ${nonInferiority.passed ? "no worse" : "not shown to be no worse"} by the margin of ` +
                `${(100 * nonInferiority.margin).toFixed(0)} points: the lower bound is ${points(nonInferiority.lower)}.`,
            ),
          ]
        : [],
      table(
        ["suite", "figure", before, after, "n", "difference", "95 % interval", "McNemar p a seed (Holm)"],
        rows,
      ),
    );
  };

  if (report.comparisons.length === 0) return [];
  const about = "The same prompts under two arms. Intervals are bootstrapped over prompts and seeds.";
  return [section("Comparisons", about, report.comparisons.toReversed().map(comparison))];
}
