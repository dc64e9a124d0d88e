import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import { trailPicture, trailSvg } from "../../../src/extension/evaluation/trailSvg.ts";
import { Trails } from "../../../src/extension/evaluation/trails.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeMadeRun } from "./madeRun.ts";

const datasets = join(import.meta.dirname, "../../../datasets");

test("a trail is drawn from its first to its last step, upwards for refusal", () => {
  const svg = trailSvg({
    points: [
      { step: 0, p: 0 },
      { step: 50, p: 0.5 },
      { step: 100, p: 1 },
    ],
    stages: [50],
  });
  const [, line] = /polyline points="([^"]+)"/.exec(svg)!;
  expect(line).toBe("30,66 169,37 308,8");
  expect(svg).toContain('M169 8V66" stroke="#848484" stroke-dasharray');
  expect(svg.match(/<circle/g)).toHaveLength(2);
  const [, bytes] = /^data:image\/svg\+xml;base64,(.+)$/.exec(
    trailPicture({ points: [{ step: 0, p: 1 }], stages: [] }),
  )!;
  expect(Buffer.from(bytes!, "base64").toString()).toMatch(/^<svg .*<\/svg>$/);
});

test("the trails of a run's panels, known by the prompts", async () => {
  const root = tempFolder();
  const prompts = join(root, "prompts");
  mkdirSync(prompts);
  for (const name of ["pairs.csv", "general.jsonl"]) {
    copyFileSync(join(datasets, "starter", name), join(prompts, name));
  }
  const file = join(prompts, "pairs.csv");
  const folder = join(root, "runs", "a");
  const recipe = readFileSync(join(datasets, "sample", "dcr.discern.json"), "utf8");
  await writeMadeRun({ ...{ folder, root, recipe, file }, before: () => -3, after: () => 3 });

  const trails = await Trails.read(folder, join(datasets, "starter"));
  const { records } = await readPrompts(file);
  const found = records.filter(({ id }) => trails.of(id));
  expect(found).toHaveLength(32);
  expect(found.every(({ split }) => split === "panel")).toBe(true);
  const trail = trails.of(found[0]!.id)!;
  expect(trail.points).toHaveLength(25);
  expect(trail.points[0]!.p).toBeLessThan(0.2);
  expect(trail.points.at(-1)!.p).toBeGreaterThan(0.8);
  expect(trail.stages).toEqual([60]);

  // With other prompts in the panels nobody knows whose the figures are.
  writeFileSync(
    file,
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => !line.includes(found[0]!.pair!))
      .join("\n"),
  );
  const changed = await Trails.read(folder, join(datasets, "starter"));
  expect(changed.of(found[1]!.id)?.points.length ?? 0).toBe(0);
});
