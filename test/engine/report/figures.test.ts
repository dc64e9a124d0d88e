import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { comovementCsv, comovementSvg, writeFigures } from "../../../src/engine/report/figures.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { tempFolder } from "../../tempFolder.ts";

const points = (offset: number) =>
  [0, 10, 20].map((step) => ({ step, toxic: step / 25 + offset, seeminglyToxic: step / 50, general: 0 }));
const method = (name: string, id = name) => ({
  ...{ id, name, from: { kind: "untrained" as const }, stages: [], interventions: [] },
});
const stages = [
  { kind: "contrastive" as const, step: 0 },
  { kind: "supervised" as const, step: 10 },
];
const report: Report = reportSchema.parse({
  format: 2,
  created: "2026-01-01T00:00:00.000Z",
  model: { name: "m" },
  methods: [method("untrained"), method('DCR → STL, <7B> & "co"', "dcr"), method("STL")],
  judges: [],
  answers: [],
  measures: { definitions: [], rows: [] },
  comparisons: [],
  series: [
    { method: "dcr", seed: 0, points: points(0), stages },
    { method: "dcr", seed: 1, points: points(0.1), stages },
    { method: "STL", seed: 0, points: points(0.2) },
    // One probe is no course.
    { method: "untrained", seed: 0, points: points(0).slice(0, 1) },
  ],
  contamination: [],
  notes: [],
});

test("a report's courses are written as pictures, one of all methods and one of each, and as data", async () => {
  const folder = join(tempFolder(), "figures");
  await writeFigures(report, folder);
  const files = (await readdir(folder)).sort();
  expect(files).toHaveLength(4);
  expect(files.slice(-2)).toEqual(["comovement.csv", "comovement.svg"]);
  for (const file of files.filter((name) => name.endsWith(".svg"))) {
    const svg = await readFile(join(folder, file), "utf8");
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"/);
    expect(svg).not.toMatch(/NaN|undefined|<7B>/);
  }
  await writeFigures({ ...report, series: [] }, join(folder, "none"));
  expect(await readdir(folder)).toHaveLength(4);
});

test("a panel has the mean over seeds, each seed faintly, and where a further stage begins", () => {
  const both = report.series.filter((one) => one.method === "dcr");
  const svg = comovementSvg([{ name: "dcr", series: both }]);
  // Three groups: a line for each of two seeds and one for the mean.
  expect(svg.match(/<polyline/g)).toHaveLength(9);
  // The plot is 280 wide and 168 high, from (48, 30): toxic at step 20 is 0.8 and 0.9, so 0.85 in the mean.
  expect(svg).toContain('points="48.0,189.6 188.0,122.4 328.0,55.2" stroke="#b2182b" stroke-width="2"');
  expect(svg).toContain('<line x1="188.0" x2="188.0" y1="30.0" y2="198.0" stroke="#999999"');
  const alone = comovementSvg([{ name: "stl", series: report.series.filter((one) => one.method === "STL") }]);
  expect(alone.match(/<polyline/g)).toHaveLength(3);
});

test("the data are a row per method, seed and probe", () => {
  const rows = comovementCsv(report).trimEnd().split("\r\n");
  expect(rows[0]).toBe("method,seed,step,toxic,seemingly_toxic,general");
  expect(rows).toHaveLength(1 + 3 + 3 + 3 + 1);
  expect(rows[2]).toBe('"DCR → STL, <7B> & ""co""",0,10,0.4,0.2,0');
});
