/**
 * `npm run bench:workbench`: what the workbench costs a person who waits for it, in a real editor and browser: its start,
 * a tree of 80,000 prompts, a table of 200,000, frames of the dashboard, memory of the extension host. Never part of the tests.
 */
import { cpus } from "node:os";
import { Command } from "commander";
import { quantile } from "simple-statistics";
import { measureDashboard } from "./dashboard.ts";
import { measureActivation, measureHost, measureLabel, measureTree } from "./editor.ts";
import { measureTable } from "./table.ts";

const { parts } = new Command("bench:workbench")
  .option("--parts <names>", "some of activation,tree,table,dashboard,host", (names) => names.split(","), [
    "activation",
    "tree",
    "table",
    "dashboard",
    "host",
  ])
  .parse()
  .opts<{ parts: string[] }>();

const rows: string[][] = [];
const add = (what: string, found: string, goal: string, reached: boolean) => {
  rows.push([what, found, `${goal}${reached ? "" : ": not reached"}`]);
  process.stderr.write(`${what}: ${found}\n`);
};
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
/** Median with the least and the most. */
const spread = (values: readonly number[]) =>
  `${ms(quantile([...values], 0.5))} (${ms(Math.min(...values))}–${ms(Math.max(...values))})`;
const middle = (values: readonly number[]) => quantile([...values], 0.5);

if (parts.includes("activation")) {
  const times = await measureActivation(5);
  add("activation", spread(times), "300 ms", middle(times) < 300);
}
if (parts.includes("tree")) {
  const { expand, expandGroup, label } = await measureTree(20);
  add("80,000 prompts: unfold an unread file", ms(expand), "1 s", expand < 1000);
  add("80,000 prompts: unfold a group", ms(expandGroup), "1 s", expandGroup < 1000);
  const written = await measureLabel(50);
  add("80,000 prompts: label one, until it is written", spread(written), "50 ms", middle(written) < 50);
  add(
    "the same by key, until the next is selected in the editor",
    spread(label),
    "50 ms",
    middle(label) < 50,
  );
}
if (parts.includes("table")) {
  const { key, wheel, frames } = await measureTable(50);
  add("table of 200,000 prompts: a screen by PageDown", spread(key), "100 ms", middle(key) < 100);
  add("the same by wheel, smooth scrolling included", spread(wheel), "200 ms", middle(wheel) < 200);
  const p95 = quantile([...frames], 0.95);
  const worst = `95th percentile ${ms(p95)}, longest ${ms(frames.reduce((a, b) => Math.max(a, b), 0))} of ${frames.length}`;
  add("one frame while it scrolls", worst, "34 ms", p95 < 34);
}
if (parts.includes("dashboard")) {
  const { p95, longest, tasks } = await measureDashboard();
  add(
    "dashboard, 3 runs of 10,000 steps: one frame's work",
    `95th percentile ${ms(p95)}, longest ${ms(longest)} of ${tasks}`,
    "16 ms",
    p95 < 16,
  );
}
if (parts.includes("host")) {
  const { steps, before, peak, after } = await measureHost(10_000);
  add(
    `extension host over ${steps} steps`,
    `${megabytes(before)}, at most ${megabytes(peak)}, ${megabytes(after)} at the end`,
    "150 MB more",
    peak - before < 150e6,
  );
}
const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
const head = ["what", "measured", "goal"];
process.stdout.write(
  `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n\n` +
    `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`,
);
