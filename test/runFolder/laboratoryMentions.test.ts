import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { exportReport } from "../../src/engine/abilities/judged.ts";
import { comparisonSchema } from "../../src/protocol/comparison.ts";
import { cellsOf } from "../../src/recipe/plannedCells.ts";
import { writePlan } from "../../src/runFolder/comparison.ts";
import { readReport } from "../../src/runFolder/reportFile.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { tempFolder } from "../tempFolder.ts";
import { exampleKernel } from "../webview/laboratory/gradientResults.ts";

/** A run of which there are a result and a file that is none. */
async function run(folder: string): Promise<void> {
  await mkdir(join(folder, "probes"), { recursive: true });
  await writeFile(join(folder, "manifest.json"), "{}");
  await writeFile(join(folder, "probes/kernel.probe.json"), JSON.stringify(exampleKernel(6, 2)));
  await writeFile(join(folder, "probes/torn.probe.json"), "{");
}

const { title, created, states } = exampleKernel(6, 2);
const kernel = { probe: "kernel", title, created, states: states.map(({ name }) => name) };
const torn = { probe: null, title: null, created: null, states: [] };

test("a report mentions the results that lie with its run now, and none that are gone", async () => {
  const folder = tempFolder();
  const file = join(folder, "report.json");
  const written = {
    ...exampleReport({ seeds: 1, perKind: 2 }),
    laboratory: [{ file: "probes/gone", ...kernel }],
  };
  await writeFile(file, JSON.stringify(written));
  // Beside no run nothing is known but what the file says.
  expect((await readReport(file)).laboratory).toEqual(written.laboratory);

  await writeFile(join(folder, "manifest.json"), "{}");
  expect(await readReport(folder)).not.toHaveProperty("laboratory");

  await run(folder);
  const read = await readReport(folder);
  expect(read.laboratory).toEqual([
    { file: "probes/kernel.probe.json", ...kernel },
    { file: "probes/torn.probe.json", ...torn },
  ]);
  expect(JSON.parse(await readFile(file, "utf8")).laboratory).toEqual(written.laboratory);
});

test("a report that is exported as HTML carries the results that it mentions", async () => {
  const folder = tempFolder();
  await writeFile(join(folder, "report.json"), JSON.stringify(exampleReport({ seeds: 1, perKind: 2 })));
  await run(folder);
  const into = join(folder, "elsewhere.html");
  await exportReport(folder, "html", into);
  const page = await readFile(into, "utf8");
  const [, block] = /<script type="application\/json" id="results">(.*)<\/script>/.exec(page)!;
  expect(JSON.parse(block!)).toEqual([
    { file: "probes/kernel.probe.json", result: JSON.parse(JSON.stringify(exampleKernel(6, 2))) },
    { file: "probes/torn.probe.json", problem: expect.any(String) },
  ]);
});

test("a comparison's report mentions those of its runs", async () => {
  const folder = tempFolder();
  const text = JSON.stringify({ name: "r", model: "m", stages: [{ type: "supervised", steps: 1 }] });
  const described = comparisonSchema.parse({ name: "c", recipe: "r.json", seeds: [0, 1] });
  const cells = cellsOf(described, { text, root: folder, folder, file: "r.json" }, []);
  await writePlan(folder, { version: 2, name: "c", created, root: folder, cells });
  await writeFile(join(folder, "report.json"), JSON.stringify(exampleReport({ seeds: 1, perKind: 2 })));
  await run(join(folder, cells[1]!.name));
  const { name } = cells[1]!;
  expect((await readReport(folder)).laboratory).toEqual([
    { run: name, file: `${name}/probes/kernel.probe.json`, ...kernel },
    { run: name, file: `${name}/probes/torn.probe.json`, ...torn },
  ]);
});
