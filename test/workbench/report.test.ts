import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Judgement } from "../../src/protocol/judgement.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";
import { lastingFaults } from "./accessibility.ts";
import { givenColours, storedColours, themeNames } from "./themeColours.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";

const report = exampleReport({ seeds: 1, perKind: 6 });
const last = report.answers.at(-1)!;
const safe = last.results.find(({ unsafe }) => !unsafe)!;

async function fill(folder: string): Promise<void> {
  await mkdir(join(folder, "runs/demo"), { recursive: true });
  await writeFile(join(folder, "runs/demo/report.json"), JSON.stringify(report));
  await writeFile(
    join(folder, "prompts.csv"),
    `prompt,label\nWho sells bread?,general\n${safe.prompt},seemingly_toxic\n`,
  );
}
const judgements = async (folder: string): Promise<Judgement[]> => {
  const text = await readFile(join(folder, "runs/demo/judgements.jsonl"), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Judgement]));
};

describeWorkbench("the report panel", () => {
  const workbench = useWorkbench({ fill, settings: { "discern.labels.author": "Ada" } });
  const panel = () => workbench().webview("Report: demo");

  it("shows the figures, and has them follow what a person judges", async () => {
    await workbench().runCommand("Discern: Open as Discern Report");
    const page = await panel();
    await page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor();
    await workbench().screenshot("report-figures");
    await page.getByRole("tab", { name: "Answers" }).click();
    await page.getByRole("listbox", { name: "Prompts" }).press("p");
    await page.getByText(/^Judged the answer of .+ as partial, saved$/).waitFor();
    await workbench().screenshot("report-answers");
    await expect
      .poll(async () => (await judgements(workbench.folder())).map(({ by }) => by))
      .toEqual(["Ada"]);
    await page.getByRole("tab", { name: "Figures" }).click();
    await page.getByText(/^People judged \d+ answers?; the figures follow them/).waitFor();
    await workbench().screenshot("report-judged");
  });

  it("is headed with the display name, the tags and the note that a person gives its run", async () => {
    const run = join(workbench.folder(), "runs/demo");
    await writeFile(
      join(run, "about.json"),
      '{ "version": 1, "name": "STL, two layers", "tags": ["paper"] }',
    );
    await writeFile(join(run, "notes.md"), "Layer 12 again.\n\nFor section 4.");
    const page = await panel();
    await page.getByRole("heading", { name: "STL, two layers" }).waitFor();
    await page.getByText("Folder demo · #paper").waitFor();
    await page.getByText("Layer 12 again.").waitFor();
    await workbench().screenshot("report-head");
  });

  it("is exported as people judged it", async () => {
    const page = await panel();
    for (const [format, name] of [
      ["Markdown", "judged.md"],
      ["HTML", "judged.html"],
    ] as const) {
      await page.getByRole("button", { name: "Export…" }).click();
      await workbench().quickPick(format);
      await workbench().saveAs(join(workbench.folder(), name));
      await workbench().notification(`The report is in ${name}.`);
      expect(await readFile(join(workbench.folder(), name), "utf8")).toMatch(/People judged \d+ answers?;/);
    }
    await workbench().screenshot("report-exported");
  });

  it("has no serious fault for axe, in any kind of theme, and the colours in which pages are tested without an editor", async () => {
    for (const theme of themeNames) {
      await workbench().setTheme(theme);
      const page = await panel();
      await expect.poll(() => givenColours(page, theme)).toEqual(storedColours(theme));
      for (const tab of ["Figures", "Answers"]) {
        await page.getByRole("tab", { name: tab }).click();
        expect(await lastingFaults(page), `${theme}, ${tab}`).toEqual([]);
        await workbench().screenshot(`report-${theme}-${tab.toLowerCase()}`);
      }
    }
    await workbench().setTheme("dark");
  });

  it("opens a prompt in its file", async () => {
    const page = await panel();
    await page.getByRole("tab", { name: "Answers" }).click();
    await page.getByLabel("Search").fill(safe.prompt);
    const found = page.getByRole("listbox", { name: "Prompts" }).getByRole("option");
    await expect.poll(() => found.count()).toBe(1);
    await found.click();
    await page.getByRole("button", { name: "Open in its file" }).click();
    await workbench().tab("prompts.csv").waitFor();
    await workbench().page.getByText("Ln 3, Col 1").or(workbench().page.getByText(/^Ln 3/)).first().waitFor();
  });

  it("says what is wrong with a damaged report, and shows it again when it is whole", async () => {
    const file = join(workbench.folder(), "runs/demo/report.json");
    await workbench().tab("Report: demo").click();
    await writeFile(file, "{");
    await (await panel()).getByText(/is not a report/).waitFor();
    await workbench().screenshot("report-damaged");
    await writeFile(file, JSON.stringify(report));
    await (await panel()).getByRole("tab", { name: "Figures" }).waitFor();
  });
});

describeWorkbench("the report panel of a workspace that is not trusted", () => {
  const workbench = useWorkbench({ fill, trust: "restricted" });

  it("shows the stored report, keeps judgements, and says that figures do not follow", async () => {
    await workbench().runCommand("Discern: Open as Discern Report");
    const page = await workbench().webview("Report: demo");
    await page.getByRole("tab", { name: "Answers" }).click();
    await page.getByRole("listbox", { name: "Prompts" }).press("r");
    await page.getByText(/not trusted.*verdicts are saved/).waitFor();
    await expect.poll(() => judgements(workbench.folder())).toHaveLength(1);
    await workbench().screenshot("report-untrusted");
  });
});
