import { chosenFigures } from "../../protocol/layerChoice.ts";
import { missingSuites } from "../../protocol/missingSuite.ts";
import { openingsSentence } from "../../protocol/openings.ts";
import { categoryTable } from "../../protocol/report/categories.ts";
import type { Comparison, Difference } from "../../protocol/report/comparison.ts";
import { conclusionOf } from "../../protocol/report/conclusion.ts";
import { aboutWords, reportTitle } from "../../protocol/report/head.ts";
import { mentionLink } from "../../protocol/report/laboratory.ts";
import {
  headlineOf,
  type MeasureLine,
  measureLines,
  rowBasis,
  rowWords,
  suitesOf,
} from "../../protocol/report/lines.ts";
import { marginStatements } from "../../protocol/report/margins.ts";
import {
  erroneousMethods,
  markedMethods,
  methodName,
  problemLines,
  reportPlace,
} from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { resamplingSentence } from "../../protocol/report/resampling.ts";
import { isOverlapping, overlapMark, overlapNote } from "../../protocol/report/training.ts";
import { tokenPace } from "../../protocol/telemetry.ts";
import {
  byteSize,
  duration,
  estimate,
  figure,
  operations,
  percent,
  pValue,
  signed,
  signedEstimate,
} from "../../wording/numbers.ts";
import { benchmarkSections, methodsBySuites } from "./benchmarkMarkdown.ts";
import { servicesTable } from "./costsMarkdown.ts";
import { plain, table } from "./markdownText.ts";

/**
 * The report as Markdown for a terminal, a pull request or a paper's notes: every measure, but no responses, and no
 * prompts beside those of a benchmark's failure cases. Text of the report (names, suites, categories, prompts) is escaped.
 */
export function reportMarkdown(whole: Report): string {
  const report = { ...whole, methods: markedMethods(whole) };
  const place = reportPlace(report);
  const lines = measureLines(report.measures, report.judges);
  const sections = [
    `# Evaluation of ${plain(reportTitle(report))}`,
    about(report),
    [
      `Model ${plain(report.model.name)}${place === undefined ? "" : ` on ${plain(place)}`}, ${report.created}. Intervals are at 95 %.`,
      ...(report.resampling ? [resamplingSentence(report.resampling)] : []),
      ...(report.judges.length > 0
        ? [
            `Judges: ${report.judges.map(({ title, version }) => `${plain(title)} (version ${plain(version)})`).join(", ")}.`,
          ]
        : []),
    ].join(" "),
    conclusion(report),
    (report.openings ?? []).map((each) => plain(openingsSentence(each))).join("\n\n"),
    problems(report),
    report.notes.map((note) => `> ${plain(note)}`).join("\n>\n"),
    ...(report.benchmark === undefined ? [] : [methodsBySuites(whole)]),
    headlines(report, lines),
    ...lines.map((line) => bySuite(report, line)),
    ...report.comparisons.map((one) => comparison(report, one, lines)),
    comovement(report),
    layers(report),
    missing(report),
    overlap(report),
    ...benchmarkSections(report),
    laboratory(report),
    runCosts(report),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** What people say about the run: its folder, which its display name does not name, tags and notes. */
function about({ about }: Report): string {
  if (about === undefined) return "";
  const { notes } = about;
  const paragraphs = notes === undefined ? [] : `Notes: ${notes}`.split(/(?:\r?\n){2,}/);
  const quoted = paragraphs.map((paragraph) => `> ${plain(paragraph)}`).join("\n>\n");
  return [plain(aboutWords(about)), quoted].filter((part) => part !== "").join("\n\n");
}

/** The sentence that the report comes to, with its caveats, before any figure. */
function conclusion(report: Report): string {
  const found = conclusionOf(report);
  if (found === null) return "";
  return [
    `**${plain(found.sentence)}**`,
    found.caveats.map((each) => `- Caveat: ${plain(each)}`).join("\n"),
  ].join("\n\n");
}

/** Results of probes that lie with the run, each with a link to its file; their figures are in their files. */
function laboratory({ laboratory: mentions = [] }: Report): string {
  if (mentions.length === 0) return "";
  const rows = mentions.map((mention) => {
    const { file, run, probe, title, states } = mention;
    return [
      ...(run === undefined ? [] : [run]),
      title ?? "cannot be read",
      probe ?? "–",
      states.join(", "),
      // `[` and `]` of a name would end the link's text.
      `[${file.replace(/[[\]]/g, "\\$&")}](${mentionLink(mention)})`,
    ];
  });
  const header = [
    ...(mentions.some(({ run }) => run !== undefined) ? ["run"] : []),
    ...["figure", "probe", "states", "file"],
  ];
  return `## Laboratory\n\n${table(header, rows)}`;
}

/** What a run cost by what it was at: time, pace, memory. */
function runCosts({ run }: Report): string {
  const parts = run?.costs ?? [];
  if (parts.length === 0) return "";
  const rows = parts.map((part) => [
    part.part,
    duration(part.seconds),
    part.tokensPerSecond === undefined ? "–" : tokenPace(part.tokensPerSecond),
    operations(part.flops),
    byteSize(part.peakBytes),
    byteSize(part.devicePeakBytes),
    percent(part.utilisation),
  ]);
  const header = ["", "time", "pace", "FLOPs", "peak memory", "peak GPU memory", "GPU busy"];
  return [
    "## Costs",
    "Time by what the run was at, without reading the model, until this report. The pace leaves out the first steps of a stage.",
    table(header, rows),
    ...servicesTable([[[], parts]], []),
  ].join("\n\n");
}

/** Methods whose results are not what their names say; first of all, so that nobody reads their rows without it. */
function problems({ problems: all }: Report): string {
  if (all.length === 0) return "";
  return ["## Errors", ...problemLines(all).map((line) => `> **Error:** ${plain(line)}`)].join("\n\n");
}

/** Every measure over all suites, a method a column; methods that are errors have none. */
function headlines(report: Report, lines: readonly MeasureLine[]): string {
  const erroneous = erroneousMethods(report);
  const methods = report.methods.filter(({ id }) => !erroneous.has(id));
  const found = lines.map((line) => ({ line, of: methods.map(({ id }) => headlineOf(line, id)) }));
  const rows = found
    .filter(({ of }) => of.some((one) => one !== undefined))
    .map(({ line: { title, definition }, of }) => [
      title,
      ...of.map((one) => {
        if (one === undefined) return "–";
        const seeds = one.seeds.map((row) => figure(row.estimate, definition.unit)).join(", ");
        const mark = isOverlapping(report, one.row) ? overlapMark : "";
        return `${rowWords(one.row, definition)}${seeds && ` (${seeds})`}${mark}`;
      }),
    ]);
  if (rows.length === 0) return "";
  const several = found.some(({ of }) => of.some((one) => one && one.seeds.length > 0));
  const how = several
    ? "Means over seeds with Student's interval, where a method has several; each seed in parentheses."
    : "One seed; intervals are over prompts.";
  const note = rows.flat().some((text) => text.endsWith(overlapMark)) ? `\n\n${plain(overlapNote)}` : "";
  return `## All suites together\n\n${how}\n\n${table(["", ...methods.map(({ name }) => name)], rows)}${note}`;
}

const better = { higher: " Higher is better.", lower: " Lower is better.", none: "" };
const againstWords = { itself: "its own", others: "those of other suites", all: "all" };

/** One measure by suite, method and seed; nothing of one that is not measured by suite. */
function bySuite(report: Report, line: MeasureLine): string {
  const { methods } = report;
  const { title, definition, rows: all } = line;
  const suites = suitesOf(line);
  const rows = suites.flatMap((suite) =>
    all.filter((row) => row.suite === suite && row.seed !== null && row.category === undefined),
  );
  if (rows.length === 0) return "";
  const against = rows.some((row) => row.against !== undefined && row.against !== "itself");
  const header = ["suite", ...(against ? ["against prompts"] : []), "method", "seed", "estimate", "n"];
  const cells = rows.map((row) => [
    row.suite,
    ...(against ? [row.against ? againstWords[row.against] : ""] : []),
    `${methodName(methods, row.method)}${isOverlapping(report, row) ? overlapMark : ""}`,
    `${row.seed}`,
    rowWords(row, definition),
    rowBasis(row),
  ]);
  const note = rows.some((row) => isOverlapping(report, row)) ? `\n\n${plain(overlapNote)}` : "";
  const categories = byCategory(report, line);
  return `## ${plain(title)}\n\n${plain(definition.description)}${better[definition.direction]}\n\n${table(header, cells)}${note}${categories}`;
}

/** The measure by category, a method a column, with the seeds of one side by side; "" where no suite has categories. */
function byCategory({ methods }: Report, { title, definition, rows }: MeasureLine): string {
  const found = categoryTable(
    rows,
    methods.map(({ id }) => id),
  );
  if (found.rows.length === 0) return "";
  const cells = found.rows.map(({ suite, category, against, methods: own }) => [
    suite,
    against === undefined ? category : `${category}, ${againstWords[against]}`,
    ...own.map((seeds) => seeds.map((row) => rowWords(row, definition)).join(", ") || "–"),
    [...new Set(own.flat().map(rowBasis))].join(", "),
  ]);
  const names = found.methods.map((id) => methodName(methods, id));
  return `\n\n### ${plain(title)} by category\n\n${table(["suite", "category", ...names, "n"], cells)}`;
}

function comparison({ methods }: Report, between: Comparison, lines: readonly MeasureLine[]): string {
  const { differences, otherJudges = [], flips } = between;
  const names = [methodName(methods, between.first), methodName(methods, between.second)] as const;
  const rows = [...differences, ...otherJudges].map((one) => {
    const line = lines.find(
      ({ definition, group, judge }) =>
        definition.id === one.measure && group === one.group && judge === one.judge,
    );
    const unit = line?.definition.unit ?? "number";
    return [
      one.suite,
      line?.title ?? one.measure,
      figure(one.first, unit),
      figure(one.second, unit),
      counted(one),
      signedEstimate(one.difference, unit === "share" ? "points" : unit),
      one.p === undefined ? "" : `${pValue(one.p)} (${pValue(one.holm)})`,
      (one.tests ?? []).map((test) => `${pValue(test.exact)} (${pValue(test.holm)})`).join(", "),
    ];
  });
  const count = (name: string) => flips.filter(({ flip }) => flip === name).length;
  const margins = marginStatements(between, names).map(({ state, text }) =>
    state === "failed" ? `**${plain(text)}**` : plain(text),
  );
  return [
    `## ${names.map(plain).join(" against ")}`,
    table(
      [
        ...["suite", "measure", ...names, "n", "difference"],
        ...["p (Holm-adjusted over the measure)", "McNemar p per seed (Holm-adjusted)"],
      ],
      rows,
    ),
    margins.join(" "),
    `Flips: ${count("lost_safety")} unsafe prompts no longer refused, ${count("gained_safety")} newly refused; ` +
      `${count("regained_help")} safe prompts answered again, ${count("lost_help")} newly refused.`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** How many prompts a difference rests on, and how many it leaves out. */
function counted({ n, undetermined }: Difference): string {
  if (n === null) return "";
  return undetermined ? `${n} (${undetermined} undetermined)` : `${n}`;
}

function comovement({ methods, series }: Report): string {
  const rows = series.flatMap(({ method, seed, comovement: figures }) => {
    if (!figures) return [];
    const { levels, differences, spillOver, finalGap } = figures.seeminglyToxic;
    const shown = [levels.pearson, differences.pearson, differences.spearman, spillOver].map((found) =>
      estimate(found),
    );
    return [
      [
        methodName(methods, method),
        `${seed}`,
        `${figures.points}${figures.few ? " (few)" : ""}`,
        ...shown,
        signed(finalGap),
      ],
    ];
  });
  if (rows.length === 0) return "";
  const header = [
    "method",
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

/** Suites that could not be had; nothing where all could. */
function missing(report: Report): string {
  const rows = missingSuites(report).map(({ suite, reason }) => [suite, reason]);
  if (rows.length === 0) return "";
  return `## Missing suites\n\nThey could not be had when this began, and are in no figure.\n\n${table(["suite", "why"], rows)}`;
}

/** How many prompts of each suite each method was trained on; nothing where there are none. */
function overlap({ methods, contamination }: Report): string {
  if (contamination.length === 0) return "";
  const rows = contamination.map((found) => [
    `${methodName(methods, found.method)}${overlapMark}`,
    found.suite,
    `${found.prompts}`,
    `${found.contaminated}`,
    ...[found.exact, found.normalised ?? found.sameWords, found.near].map((count) => `${count ?? "–"}`),
    Object.entries(found.parts ?? {})
      .map(([part, count]) => `${part} ${count}`)
      .join(", "),
  ]);
  const header = [
    ...["method", "suite", "prompts", "trained on", "exactly", "but for case, spaces, punctuation", "nearly"],
    "in",
  ];
  return [
    "## Suites that overlap with training",
    `Figures of a method on a suite with a mark (${overlapMark}) are of prompts of which it was trained on some: they are too good.`,
    table(header, rows),
  ].join("\n\n");
}

function layers({ methods, series }: Report): string {
  const chosen = series.flatMap(({ method, seed, layerChoice }) =>
    layerChoice ? [{ name: methodName(methods, method), seed, ...layerChoice }] : [],
  );
  if (chosen.length === 0) return "";
  const withError = (found: { auroc: number | null; standardError: number | null } | null | undefined) =>
    found ? `${figure(found.auroc)} (${figure(found.standardError)})` : "one source";
  const summary = chosen.map((choice) => {
    const { name, seed, layer, curve, heldOut, groups, folds, controls } = choice;
    const own = chosenFigures(choice);
    return [
      name,
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
        "method",
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
    table(["layer", ...chosen.map(({ name, seed }) => `${name}, seed ${seed}`)], curves),
  ].join("\n\n");
}
