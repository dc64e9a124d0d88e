import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { carriedResults } from "../../../src/engine/report/carriedResults.ts";
import { mentionedFile } from "../../../src/runFolder/laboratoryMentions.ts";
import { tempFolder } from "../../tempFolder.ts";
import { exampleKernel } from "../../webview/laboratory/gradientResults.ts";

const mention = (file: string, created: string | null) => ({
  ...{ file, created, probe: "kernel", title: "Kernel", states: [] },
});

test("a page carries the newest results that fit, and says of each other one why it is missing", async () => {
  const folder = tempFolder();
  await mkdir(join(folder, "run/probes"), { recursive: true });
  for (const name of ["old", "new"])
    await writeFile(join(folder, `run/probes/${name}.probe.json`), JSON.stringify(exampleKernel(6, 2)));
  await writeFile(join(folder, "run/probes/torn.probe.json"), "{");
  await writeFile(join(folder, "secret.probe.json"), JSON.stringify(exampleKernel(6, 2)));
  const mentions = [
    mention("probes/old.probe.json", "2026-01-01T00:00:00Z"),
    mention("probes/new.probe.json", "2026-02-01T00:00:00Z"),
    mention("probes/torn.probe.json", null),
    mention("probes/gone.probe.json", null),
    mention("../secret.probe.json", null),
  ];
  const { size } = await stat(join(folder, "run/probes/new.probe.json"));
  const carried = await carriedResults(join(folder, "run"), mentions, size + 100);
  expect(carried.map((each) => [each.file, "result" in each ? each.result.probe : each.problem])).toEqual([
    ["probes/new.probe.json", "kernel"],
    ["probes/old.probe.json", expect.stringMatching(/^probes\/old\.probe\.json \(.+B\) is not on this page/)],
    ["probes/torn.probe.json", expect.stringContaining("could not be read")],
    ["probes/gone.probe.json", expect.stringContaining("could not be read")],
    ["../secret.probe.json", expect.stringContaining("could not be read")],
  ]);
  const all = await carriedResults(join(folder, "run"), mentions);
  expect(all.filter((each) => "result" in each)).toHaveLength(2);
});

test("a name that leads out of the folder, or to what is no result, is nowhere", () => {
  const folder = tempFolder();
  expect(mentionedFile(folder, "probes/a.probe.json")).toBe(join(folder, "probes/a.probe.json"));
  expect(mentionedFile(folder, "../a.probe.json")).toBeNull();
  expect(mentionedFile(folder, "report.json")).toBeNull();
});
