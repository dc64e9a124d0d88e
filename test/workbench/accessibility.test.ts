import { join } from "node:path";
import { execa } from "execa";
import type { Frame } from "playwright-core";
import { expect, it } from "vitest";
import { seriousFaults } from "./accessibility.ts";
import { type Theme, themes } from "./editorSettings.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import { fillWorkspace } from "./workspace.ts";

/** The three webviews with the content of a real run, in the three kinds of themes: axe finds nothing serious. */
describeWorkbench("axe", () => {
  const workbench = useWorkbench({
    async fill(folder) {
      await fillWorkspace(folder);
      const cli = join(import.meta.dirname, "../../dist/cli.js");
      await execa(process.execPath, [cli, "run", "tiny.discern.json", "--out", "runs/tiny"], { cwd: folder });
    },
    settings: { "discern.labels.author": "Ada", "discern.labelling.blur": false },
  });

  /** Looks at a page in each theme, and leaves a picture of it. */
  const inThemes = async (title: string | RegExp, name: string, prepare?: (page: Frame) => Promise<void>) => {
    const faults: Record<string, string[]> = {};
    for (const theme of Object.keys(themes) as Theme[]) {
      await workbench().setTheme(theme);
      const page = await workbench().webview(title);
      await prepare?.(page);
      await workbench().screenshot(`${name}-${theme}`);
      faults[theme] = await seriousFaults(page);
    }
    expect(faults).toEqual({ light: [], dark: [], "high-contrast": [] });
  };
  const open = async (button: string) => {
    await workbench().openSideBar("Discern");
    const run = workbench().treeItem(/^tiny, finished/);
    await run.hover();
    await run.getByRole("button", { name: button }).click();
  };

  it("finds no serious fault in the labelling page, one by one", async () => {
    await workbench().openFile("prompts/pairs.csv");
    await workbench().runCommand("Discern: Open Labelling Panel");
    const title = /^Label pairs\.csv/;
    await (await workbench().webview(title)).getByText(/ of \d+ labelled/).waitFor();
    await inThemes(title, "labelling");
  });

  it("finds no serious fault in the labelling page, in the grid", async () => {
    const title = /^Label pairs\.csv/;
    await (await workbench().webview(title)).locator("body").press("g");
    await inThemes(title, "labelling-grid", (page) => page.getByRole("grid").waitFor());
  });

  it("finds no serious fault in the dashboard", async () => {
    await open("Open Dashboard");
    await inThemes(/^Dashboard: tiny/, "dashboard", (page) =>
      page.getByRole("heading", { name: "Refusal and co-movement" }).waitFor(),
    );
  });

  it("finds no serious fault in the dashboard with its tables", async () => {
    const title = /^Dashboard: tiny/;
    const page = await workbench().webview(title);
    const buttons = page.getByRole("button", { name: /table/i, pressed: false });
    for (let left = await buttons.count(); left > 0; left--) await buttons.first().click();
    await inThemes(title, "dashboard-tables");
  });

  it("finds no serious fault in the report", async () => {
    await open("Open Report");
    await inThemes(/^Report: tiny/, "report", (page) =>
      page.getByRole("region", { name: "Refusal rate of safe prompts", exact: true }).waitFor(),
    );
  });

  it("finds no serious fault in the answers of the report", async () => {
    await inThemes(/^Report: tiny/, "report-answers", async (page) => {
      await page.getByRole("tab", { name: "Answers" }).click();
      await page.getByRole("listbox").waitFor();
    });
  });
});
