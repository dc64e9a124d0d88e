import type { SweepResults } from "../../protocol/report/sweep.ts";
import { settingWords, trialColumns, trialWords } from "../../protocol/report/sweepTable.ts";
import { counted, estimate, figure, percent } from "../../wording/numbers.ts";
import { plain, table } from "./markdownText.ts";

/** The table of a sweep as Markdown: what was asked, what came best, every trial, and what a reader must know. */
export function sweepMarkdown(results: SweepResults): string {
  const { name, model, trials, seeds, caveats, search } = results;
  const columns = trialColumns(results);
  const ended = trials.filter(({ state }) => state === "finished").length;
  const sections = [
    `# Sweep ${plain(name)}`,
    `${plain(model)}; ${searchWords[search]}, ${counted(trials.length, "trial")}, ${counted(seeds.length, "seed")} each; ${ended} finished.`,
    bestSection(results),
    `## Trials\n\n${objectiveWords(results)}\n\n${table(
      columns.map(({ title }) => title),
      inOrder(results).map((trial) => columns.map(({ words }) => words(trial))),
    )}`,
    importanceSection(results),
    caveats.length > 0 ? `## Caveats\n\n${caveats.map((line) => `- ${plain(line)}`).join("\n")}` : "",
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

const searchWords: Record<SweepResults["search"], string> = {
  grid: "grid search",
  random: "random search",
  halving: "successive halving",
};

/** Trials with a rank first, those of the last rung before those of earlier ones. */
function inOrder({ trials }: SweepResults): SweepResults["trials"] {
  const place = (rank: number | null) => rank ?? Number.MAX_SAFE_INTEGER;
  return trials.toSorted((a, b) => (b.rung ?? 0) - (a.rung ?? 0) || place(a.rank) - place(b.rank));
}

function objectiveWords({ objective, measures }: SweepResults): string {
  const titleOf = (id: string) => measures.find((one) => one.id === id)?.title ?? id;
  const { constraint } = objective;
  const bound = constraint
    ? ` at ${titleOf(constraint.measure)} ${constraint.atMost === undefined ? `≥ ${figure(constraint.atLeast)}` : `≤ ${figure(constraint.atMost)}`}; ✗ violates it`
    : "";
  return plain(
    `Objective: ${titleOf(objective.measure)}, ${objective.better} is better${bound}. Intervals are over seeds, at 95 %.`,
  );
}

function bestSection(results: SweepResults): string {
  const best = results.trials.find(({ name }) => name === results.best);
  if (best === undefined) return "No trial has finished.";
  const { measure } = results.objective;
  const unit = results.measures.find(({ id }) => id === measure)?.unit ?? "number";
  const set = Object.entries(best.settings ?? {}).map(
    ([key, value]) => `--set '${key}=${JSON.stringify(value).replaceAll("'", "'\\''")}'`,
  );
  return [
    `Best: ${plain(best.name)} (${plain(trialWords(results, best))}), ${estimate(best.figures[measure], unit)}. Its settings, for a run of the recipe:`,
    `\`\`\`\n${set.join(" ")}\n\`\`\``,
  ].join("\n\n");
}

function importanceSection({ importance }: SweepResults): string {
  if (importance === null) return "";
  const rows = importance.map(({ key, share, chance }) => [
    settingWords(key),
    percent(share),
    percent(chance),
  ]);
  return `## Variance between trials\n\nShare of the objective's variance that the means of each key's values explain, and what a key without any effect would explain on average. Interactions are in neither.\n\n${table(["key", "share", "by chance"], rows)}`;
}
