import { chosenFigures } from "../../protocol/layerChoice.ts";
import type { Comparison, GroupSummary, OverSeeds, RateComparison, Report } from "../../protocol/report.ts";
import {
  estimate,
  figure,
  interval,
  percent,
  pValue,
  signed,
  signedEstimate,
  type Unit,
} from "../../wording/numbers.ts";

const MEASURES: Record<OverSeeds["measure"], { title: string; unit: Unit }> = {
  unsafe_refusal: { title: "Refusal of unsafe prompts", unit: "share" },
  safe_refusal: { title: "Refusal of safe prompts", unit: "share" },
  discernment: { title: "Discernment (AUROC)", unit: "number" },
  general_loss: { title: "Held-out loss (nats per token)", unit: "nats" },
};

/**
 * The report as Markdown for a terminal, a pull request or a paper's notes: every figure, but neither prompts nor
 * responses. Text of the report (names, suites, kinds) is escaped.
 */
export function reportMarkdown(report: Report): string {
  const sections = [
    `# Evaluation of ${plain(report.run?.name ?? report.model.name)}`,
    `Model ${plain(report.model.name)}, ${report.created}. Intervals are at 95 %.`,
    report.notes.map((note) => `> ${plain(note)}`).join("\n>\n"),
    headlines(report),
    suites(report),
    discernment(report),
    ...report.comparisons.map(comparison),
    comovement(report),
    layers(report),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function headlines({ overSeeds }: Report): string {
  const arms = [...new Set(overSeeds.map(({ arm }) => arm))];
  const measures = [...new Set(overSeeds.map(({ measure }) => measure))];
  const rows = measures.map((measure) => [
    MEASURES[measure].title,
    ...arms.map((arm) => {
      const found = overSeeds.find((figure) => figure.arm === arm && figure.measure === measure);
      if (!found) return "–";
      const { mean, interval, values } = found;
      const { unit } = MEASURES[measure];
      const seeds =
        values.length > 1 ? ` (${values.map(({ value }) => figure(value, unit)).join(", ")})` : "";
      return `${estimate({ value: mean, ...interval }, unit)}${seeds}`;
    }),
  ]);
  const several = overSeeds.some(({ values }) => values.length > 1);
  const how = several ? "Means over seeds with Student's interval; each seed in parentheses." : "One seed.";
  return `## All suites together\n\n${how}\n\n${table(["", ...arms], rows)}`;
}

function suites({ suites: summaries }: Report): string {
  const cell = (group: GroupSummary | undefined) => {
    if (!group) return "–";
    const { n, refused, undetermined, rate, bounds } = group;
    const share = rate ? `${refused}/${n - undetermined}: ${estimate(rate, "share")}` : "–";
    return bounds ? `${share}; ${undetermined} undetermined, within ${interval(bounds, "share")}` : share;
  };
  const rows = summaries.map(({ arm, seed, suite, unsafe, safe }) => [
    suite,
    arm,
    `${seed}`,
    cell(unsafe),
    cell(safe),
  ]);
  return `## Refusals by suite\n\n${table(["suite", "arm", "seed", "unsafe refused", "safe refused"], rows)}`;
}

function discernment({ discernment: found }: Report): string {
  if (found.length === 0) return "";
  const against = { itself: "its own", others: "those of other suites", all: "all" };
  const rows = found.map((d) => [d.suite, against[d.against], d.arm, `${d.seed}`, estimate(d.auroc)]);
  return (
    "## Discernment\n\nAUROC of refusal log-odds between unsafe and safe prompts; 0.5 is chance.\n\n" +
    table(["suite", "against prompts", "arm", "seed", "AUROC"], rows)
  );
}

function comparison({ before, after, suites: compared, flips, nonInferiority }: Comparison): string {
  const rows = compared.flatMap(({ suite, unsafe, safe, discernment: auroc }) => [
    ...[["unsafe refused", unsafe] as const, ["safe refused", safe] as const].flatMap(([name, rate]) =>
      rate === undefined
        ? []
        : [
            [
              suite,
              name,
              percent(rate.before),
              percent(rate.after),
              counted(rate),
              signedEstimate(rate.difference, "points"),
              rate.tests.map((test) => `${pValue(test.exact)} (${pValue(test.holm)})`).join(", "),
            ],
          ],
    ),
    ...(auroc ? [[suite, "discernment", "", "", "", signedEstimate(auroc), ""]] : []),
  ]);
  const count = (name: string) => flips.filter(({ flip }) => flip === name).length;
  const margin = nonInferiority
    ? `Refusal of unsafe prompts is ${nonInferiority.passed ? "no worse" : "**not shown to be no worse**"} by the ` +
      `margin of ${figure(nonInferiority.margin, "points")} (lower bound ${signed(nonInferiority.lower, "points")}).`
    : "";
  return [
    `## ${plain(before)} against ${plain(after)}`,
    table(["suite", "figure", before, after, "n", "difference", "McNemar p per seed (Holm-adjusted)"], rows),
    margin,
    `Flips: ${count("lost_safety")} unsafe prompts no longer refused, ${count("gained_safety")} newly refused; ` +
      `${count("regained_help")} safe prompts answered again, ${count("lost_help")} newly refused.`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** How many prompts a comparison rests on, and how many it leaves out. */
function counted({ prompts, undetermined }: RateComparison): string {
  return undetermined > 0 ? `${prompts} (${undetermined} undetermined)` : `${prompts}`;
}

function comovement({ series }: Report): string {
  const rows = series.flatMap(({ arm, seed, comovement: figures }) => {
    if (!figures) return [];
    const { levels, differences, spillOver, finalGap } = figures.seeminglyToxic;
    const shown = [levels.pearson, differences.pearson, differences.spearman, spillOver].map((found) =>
      estimate(found),
    );
    return [[arm, `${seed}`, `${figures.points}${figures.few ? " (few)" : ""}`, ...shown, signed(finalGap)]];
  });
  if (rows.length === 0) return "";
  const header = [
    "arm",
    "seed",
    "probes",
    "r of levels",
    "r of changes",
    "ρ of changes",
    "spill-over β",
    "final gap",
  ];
  return `## Co-movement of toxic and seemingly toxic refusal\n\n${table(header, rows)}`;
}

function layers({ series }: Report): string {
  const chosen = series.flatMap(({ arm, seed, layerChoice }) =>
    layerChoice ? [{ arm, seed, ...layerChoice }] : [],
  );
  if (chosen.length === 0) return "";
  const withError = (found: { auroc: number | null; standardError: number | null } | null | undefined) =>
    found ? `${figure(found.auroc)} (${figure(found.standardError)})` : "one source";
  const summary = chosen.map((choice) => {
    const { arm, seed, layer, curve, heldOut, groups, folds, controls } = choice;
    const own = chosenFigures(choice);
    return [
      arm,
      `${seed}`,
      `${layer} of ${curve.length}`,
      withError(own),
      `${groups} ${heldOut === "category" ? "categories" : "pairs and single prompts"} in ${folds} folds`,
      `${figure(own?.shuffled.mean)} (${figure(controls.shuffledBest)})`,
      withError(controls.surface),
      withError(controls.source),
    ];
  });
  const curves = (chosen[0]?.curve ?? []).map(({ layer }) => [
    `${layer}`,
    ...chosen.map(({ curve }) =>
      withError(curve.find((each) => each.layer === layer) ?? { auroc: null, standardError: null }),
    ),
  ]);
  return [
    "## Choice of the layer",
    "AUROC of a linear probe between toxic and seemingly toxic prompts that it had not seen, with its standard error; 0.5 is chance.",
    table(
      [
        "arm",
        "seed",
        "chosen layer",
        "AUROC (SE)",
        "held out",
        "shuffled labels (best layer of any draw)",
        "character n-grams (SE)",
        "source alone (SE)",
      ],
      summary,
    ),
    table(["layer", ...chosen.map(({ arm, seed }) => `${arm}, seed ${seed}`)], curves),
  ].join("\n\n");
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(plain).join(" | ")} |`;
  return [line(header), `|${" --- |".repeat(header.length)}`, ...rows.map(line)].join("\n");
}

/** Names come from files: a pipe, a line break or a tag in them must not become markup. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/(?<!\\)\|/g, "\\|");
}
