import type { Report } from "../../../protocol/report.ts";
import type { Elements } from "./elements.ts";

/**
 * Puts the page together around its sections. Runs inside the report page: it is embedded as
 * source text, so it may use nothing from outside itself but the browser and its arguments.
 */
export function layOut(
  report: Report,
  { el, table, section }: Elements,
  sections: HTMLElement[],
  examples: HTMLElement,
): void {
  const heading = report.run?.name ?? report.model.name;
  document.title = `${heading} · Discern`;
  const facts = Object.entries({ ...report.model, ...report.run }).filter(
    ([, value]) => typeof value !== "object",
  );
  document.body.append(
    el(
      "header",
      {},
      el("p", { class: "brand" }, "Discern · evaluation report"),
      el("h1", {}, heading),
      el("p", { class: "muted" }, [report.model.name, new Date(report.created).toLocaleString()].join(" · ")),
      report.notes.map((note) => el("p", { class: "note" }, note)),
    ),
    el(
      "main",
      {},
      sections,
      section("Prompts and answers", "Answers are shown as the models wrote them.", examples),
      report.contamination.length > 0
        ? [
            section(
              "Contamination",
              "Evaluated prompts that are, or nearly are, training prompts.",
              table(
                ["run", "suite", "prompts", "contaminated", "in the same words"],
                report.contamination.map((c) => [
                  c.arm,
                  c.suite,
                  String(c.prompts),
                  String(c.contaminated),
                  String(c.sameWords),
                ]),
              ),
              report.contamination.flatMap(({ arm, suite, contaminated, closest }) => [
                el(
                  "p",
                  { class: "muted" },
                  closest.length < contaminated
                    ? `${suite}, ${arm}: the ${closest.length} closest of ${contaminated}.`
                    : `${suite}, ${arm}.`,
                ),
                table(
                  ["evaluated", "trained on", "similarity"],
                  closest.map((c) => [c.evaluation, c.training, c.similarity.toFixed(2)]),
                ),
              ]),
            ),
          ]
        : [],
      section(
        "About this report",
        "",
        table(
          ["", ""],
          facts.map(([name, value]) => [name, String(value)]),
        ),
      ),
    ),
  );
}
