import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { contextValue, description, details, kindWord } from "../../../src/extension/runs/describe.ts";
import { isReportAlone, ReportReader } from "../../../src/extension/runs/reportReader.ts";
import { changeAbout } from "../../../src/runFolder/about.ts";
import { tempFolder } from "../../tempFolder.ts";

test("a folder with a report and no run is a row of its own, with what people say about it", async () => {
  const folder = tempFolder();
  const reader = new ReportReader(folder);
  expect(await isReportAlone(folder)).toBe(false);
  expect(await reader.read()).toBeNull();
  writeFileSync(join(folder, "report.json"), "{}");
  expect(await isReportAlone(folder)).toBe(true);
  const shown = (await reader.read())!;
  expect(shown).toMatchObject({ kind: "report", state: "finished" });
  expect(await reader.read()).toBe(shown);
  expect([contextValue(shown), kindWord(shown), description(shown, null)]).toEqual([
    "reportAlone+finished+report",
    "report",
    "report",
  ]);
  await changeAbout(folder, () => ({ name: "STL against DCR", tags: ["paper"] }));
  writeFileSync(join(folder, "notes.md"), "For section 4.\nTwo seeds.");
  const named = (await reader.read())!;
  expect(named.remarks).toMatchObject({ name: "STL against DCR" });
  expect(description(named, null)).toBe("report · #paper");
  expect(details(named, null)).toEqual([
    { name: "Notes", value: "For section 4.", icon: "note", opens: "notes" },
  ]);
  writeFileSync(join(folder, "manifest.json"), "{}");
  expect(await isReportAlone(folder)).toBe(false);
  rmSync(join(folder, "report.json"));
  expect(await reader.read()).toBeNull();
});
