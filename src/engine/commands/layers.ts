import { stripVTControlCharacters } from "node:util";
import { blue, plot, red } from "asciichart";
import type { Command } from "commander";
import pc from "picocolors";
import { DiscernError } from "../../protocol/errors.ts";
import {
  type LayerFigure,
  layerMeasures,
  type SeparabilityFigures,
  separabilityContract,
} from "../../protocol/probe/separability.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { estimate, figure } from "../../wording/numbers.ts";
import { isPromptFile, parseSource } from "../abilities/evaluate.ts";
import { measureAsked, type ProbeFlags, requestOf } from "./probe.ts";
import { withModel } from "./shell.ts";

interface LayersFlags extends Omit<ProbeFlags, "state" | "set" | "training"> {
  readonly pooling: string;
  readonly transfer: string[];
}

/** Lines of the chart. */
const height = 12;

export function addLayers(program: Command): void {
  withModel(program.command("layers"))
    .argument("<model>", "model folder, GGUF file, name of a pulled model, or run folder")
    .argument(
      "[prompts...]",
      "prompt files with toxic and seemingly toxic prompts; FILE?split=train takes some of a file's rows; a run's monitored prompts where left out",
    )
    .description(
      "how far each layer holds toxic and seemingly toxic prompts apart, and the ℓ that follows from it",
    )
    .option(
      "--transfer <what...>",
      "prompt files, and sources or categories of the others, that no probe is trained on and all are carried over to",
      [],
    )
    .option("--pooling <pooling>", "last token of a prompt, or mean over its tokens: last, mean", "last")
    .option("--seed <number>", "seed of folds and draws; that of the run, or 0, where left out", Number)
    .option("--plan", "print what would be computed and how long it takes, and exit", false)
    .option("--out <file>", "file of the result, which ends in .probe.json")
    .option("--csv <folder>", "also write the tables as CSV files into a folder")
    .option("--json", "one JSON document on stdout", false)
    .action(async (model: string, prompts: string[], flags: LayersFlags) => {
      const files = flags.transfer.filter((each) => isPromptFile(each.split("?")[0]!));
      const named = flags.transfer.map((each) =>
        files.includes(each) ? parseSource(each).source.file : each,
      );
      refuseShared(prompts, files);
      const asked = {
        ...flags,
        ...{ state: [], training: [] },
        set: [`pooling=${flags.pooling}`, `transfer=${JSON.stringify(named)}`],
      };
      const request = await requestOf(separabilityContract, model, [...prompts, ...files], asked);
      await measureAsked(separabilityContract, request, asked, ({ figures }) =>
        layersWords(separabilityContract.figures.parse(figures), process.stdout.columns ?? 80),
      );
    });
}

/** @throws DiscernError `request-invalid` for a file whose prompts would be trained on and carried over to. */
function refuseShared(prompts: readonly string[], transfer: readonly string[]): void {
  const fileOf = (text: string) => parseSource(text).source.file;
  const shared = transfer.find((each) => prompts.some((other) => fileOf(other) === fileOf(each)));
  if (shared === undefined) return;
  throw new DiscernError(
    "request-invalid",
    `--transfer ${shared}: the same file is named among the prompts. Name it once, with all rows, and the categories to carry over to by --transfer.`,
  );
}

/** The curve that ℓ is chosen by with its control, the proposal with its reason, and every measure at ℓ beside its nulls. */
export function layersWords({ proposal, states, transfer }: SeparabilityFigures, columns: number): string {
  const [{ state, choice, curve, surface }] = states as [SeparabilityFigures["states"][number]];
  const each = Math.max(1, Math.min(4, Math.floor((columns - 12) / choice.curve.length)));
  const line = (values: readonly (number | null)[]) =>
    values.flatMap((x) => new Array<number>(each).fill(x ?? 0.5));
  const series = [
    line(choice.curve.map(({ shuffled }) => shuffled.mean)),
    line(choice.curve.map(({ auroc }) => auroc)),
  ];
  const low = Math.min(0.4, leastOf(series.flat()));
  const under = [...choice.curve.keys()]
    .map((k) => (k + 1 === proposal.layer ? "▲" : " ").padEnd(each))
    .join("");
  const chart = plot(series, { height, min: low, max: 1, colors: [red, blue] });
  // The top line holds no value: it is a number and the axis.
  const axis = stripVTControlCharacters(chart).search(/[┤┼]/);
  const at = curve.find(({ layer }) => layer === proposal.layer)!.measures;
  const rows = layerMeasures.flatMap(({ id, title }) => {
    const found = at[id];
    return found === null ? [] : [[title, ...cells(found), withInterval(surface[id])]];
  });
  const head = ["", "value, 95 % CI", "shuffled labels (highest)", "source labels", "character n-grams"];
  return [
    chart,
    `${" ".repeat(axis)}${under.trimEnd()} ℓ = ${proposal.layer}`,
    `${pc.blue("── AUROC on unseen categories")}  ${pc.red("── shuffled labels")}  by layer, at ${state}`,
    "",
    proposal.reason,
    ...(transfer === null
      ? []
      : [`Carried over to ${transfer.prompts} prompts of ${transfer.sources.join(", ")}.`]),
    `How good the choice is: discern run preset:sweep-layer, or layer ${proposal.layer} as stages.0.layer of a recipe.`,
    "",
    ...table([head, ...rows]),
  ].join("\n");
}

function cells(found: LayerFigure): string[] {
  const { mean, highest } = found.shuffled;
  return [withInterval(found), `${figure(mean)} (${figure(highest)})`, figure(found.source)];
}

function withInterval(found: LayerFigure | null): string {
  if (found === null || found.value === null) return figure(null);
  const { value, lower, upper } = found;
  return estimate({ value, ...(lower !== null && upper !== null && { lower, upper }) });
}

/** Cells in columns as wide as their longest, the first to the left. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => greatestOf(rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join("  ")
      .trimEnd(),
  );
}
