/**
 * `npm run demo`: safety tuning alone (STL) and contrastive refinement before it (DCR → STL) on a small real model, from
 * the same seed and data, and one report that compares both with the untrained model. What is run, and for how long, is
 * `preset:demo`. It describes a comparison, which the runner of comparisons carries out; a demo that was interrupted is
 * resumed by the same command.
 */

import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import { discernment, safeRefusal, unsafeRefusal } from "../src/protocol/report/coreMeasures.ts";
import { headlineOf, measureLines, rowWords } from "../src/protocol/report/lines.ts";
import { type Report, reportSchema } from "../src/protocol/report/report.ts";
import { cellFolder } from "../src/runFolder/comparison.ts";
import { runPaths } from "../src/runFolder/folder.ts";
import { greatestOf } from "../src/statistics/extremes.ts";
import { duration } from "../src/wording/numbers.ts";
import { compareInScript } from "./compareInScript.ts";

const flags = new Command("demo")
  .option("--model <model>", "model folder, GGUF file, or name of a model to pull", "smollm2-135m")
  .option("--out <folder>", "folder of the demo", join(import.meta.dirname, "../runs/demo"))
  .option("--set <key=value...>", "change a key of preset:demo", [])
  .parse()
  .opts<{ model: string; out: string; set: string[] }>();
const out = resolve(flags.out);

const began = performance.now();
// The methods are those of a comparison that names none: the untrained model, STL and DCR → STL.
const { cells } = await compareInScript({ name: "demo", recipe: "preset:demo" }, { ...flags, out });
const report = reportSchema.parse(JSON.parse(await readFile(runPaths(out).report, "utf8")));
const shown = (path: string) => relative(process.cwd(), path);
process.stdout.write(
  `\n${table(report)}\n\nRuns: ${cells.map((cell) => shown(cellFolder(out, cell))).join(", ")}\n` +
    `This took ${duration((performance.now() - began) / 1000)}.\n`,
);

/** Refusals of both groups and discernment, a method a row. */
function table({ methods, judges, measures }: Report): string {
  const lines = measureLines(measures, judges);
  const cell = (measure: string, method: string) => {
    const line = lines.find(({ definition }) => definition.id === measure);
    const row = line && headlineOf(line, method)?.row;
    return row ? rowWords(row, line.definition) : "–";
  };
  const rows = methods.map(({ id, name }) => [
    name,
    ...[unsafeRefusal, safeRefusal, discernment].map((measure) => cell(measure.id, id)),
  ]);
  const header = ["", "toxic refused", "seemingly toxic refused", "discernment (AUROC)"];
  const widths = header.map((title, i) => greatestOf([title.length, ...rows.map((row) => row[i]!.length)]));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}
