/**
 * `npm run picture -- <folder>`: the README's picture, which is the section on co-movement of a report page as a browser
 * shows it, in light and dark. The folder is a run's, or one that `discern compare --out` or the demo wrote.
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "..");
const program = new Command("picture")
  .argument("[folder]", "folder with report.html", join(root, "runs/demo"))
  .option("--out <folder>", "where the pictures go", join(root, "docs/images"))
  .option("--browser <path>", "Chromium or Chrome", "/usr/bin/chromium")
  .parse();
const { out, browser: executablePath } = program.opts<{ out: string; browser: string }>();
const page = join(resolve(program.processedArgs[0] as string), "report.html");
if (!existsSync(page))
  program.error(`error: ${page} does not exist. Run \`npm run demo\` first, or name a folder.`);
if (!existsSync(executablePath))
  program.error(`error: ${executablePath} does not exist. Name a browser with --browser.`);

await mkdir(out, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  for (const colorScheme of ["light", "dark"] as const) {
    const view = await browser.newPage({
      colorScheme,
      deviceScaleFactor: 2,
      viewport: { width: 1100, height: 1200 },
    });
    await view.goto(pathToFileURL(page).href);
    const section = view.locator("section", {
      has: view.getByRole("heading", { name: "Co-movement during training" }),
    });
    // The figures in its <details> and the notes on them belong to the page, not to the picture.
    await section.locator("details, .scroll + p").evaluateAll((all) => {
      for (const each of all) each.remove();
    });
    await section.evaluate((element) => {
      (element as HTMLElement).style.padding = "4px 20px 16px";
    });
    const path = join(out, `comovement-${colorScheme}.png`);
    await section.screenshot({ path });
    process.stdout.write(`${path}\n`);
  }
} finally {
  await browser.close();
}
