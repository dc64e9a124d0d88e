/**
 * `npm run bench:contact`: how long a newcomer waits, from `git clone` to the first marks on a file of their own, the first
 * label, and the first report. It clones this project, installs and builds it as the README says, opens three own files in a real editor, scores
 * one with the untrained model, labels, and runs the recipe that the wizard proposes. SmolLM2-135M must be on this machine. Takes about fifteen minutes.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { execa } from "execa";

const root = join(import.meta.dirname, "../../..");
const { from, model } = new Command("contact")
  .option("--from <repository>", "what is cloned", root)
  .option("--model <name>", "model of the scores and of the run", "smollm2-135m")
  .parse()
  .opts<{ from: string; model: string }>();

const parent = await mkdtemp(join(tmpdir(), "discern-contact-"));
const clone = join(parent, "discern");
const folder = join(parent, "study");
const begun = performance.now();
const rows: string[] = [];
/** Seconds that building code-server took: who has VS Code does not wait for it. */
let installed = 0;
const tell = (what: string, goalMinutes?: number) => {
  const seconds = (performance.now() - begun) / 1000;
  const own = seconds - installed;
  const goal =
    goalMinutes === undefined ? "" : `${goalMinutes} min${own > 60 * goalMinutes ? ": not reached" : ""}`;
  rows.push(
    `| ${what} | ${seconds.toFixed(0)} s | ${own.toFixed(0)} s | ${goal} | ${loadavg()[0]!.toFixed(1)} |`,
  );
  process.stderr.write(`${rows.at(-1)}\n`);
};
const quietly = { stdin: "ignore", stdout: "ignore", stderr: "inherit" } as const;
let close = async () => {};
try {
  await execa("git", ["clone", "--quiet", from, clone], quietly);
  tell("git clone");
  await execa("npm", ["ci"], { cwd: clone, ...quietly });
  tell("npm ci");
  await execa("npm", ["run", "build"], { cwd: clone, ...quietly });
  tell("build");
  // What the clone has is tried, and not what lies here.
  const { installCodeServer } = await import(join(clone, "test/workbench/install.ts"));
  const { openWorkbench } = await import(join(clone, "test/workbench/workbench.ts"));
  const own = await import(join(clone, "test/workbench/ownFiles.ts"));
  const before = performance.now();
  await installCodeServer();
  installed = (performance.now() - before) / 1000;
  tell("code-server built");
  await own.writeOwnFiles(folder);
  const workbench = await openWorkbench({ folder });
  close = () => workbench.close();
  await workbench.openSideBar("Discern");
  await own.labelFirst(workbench, own.ownFiles.harmful, 1);
  tell("first label", 3);
  await own.scoreOwnFile(workbench, model);
  tell("first marks on a file of one's own", 4);
  await own.labelTheRest(workbench, folder);
  await own.writeOwnRecipe(workbench, model, "first");
  await workbench.page.locator(".codelens-decoration a", { hasText: /Run$/ }).first().click();
  const dialog = workbench.page.locator(".monaco-dialog-box").getByRole("button", { name: "Run Anyway" });
  const report = join(folder, "runs/first/report.json");
  while (!existsSync(report)) {
    if (await dialog.isVisible()) await dialog.click();
    if (performance.now() - begun > 3_600_000) throw new Error("There is no report after an hour.");
    await workbench.page.waitForTimeout(500);
  }
  tell("first report: DCR → STL as the wizard proposes it, evaluated before and after", 20);
} finally {
  await close();
  await rm(parent, { recursive: true, force: true });
}
const head = [
  "| what | since the clone began | with one's own VS Code | goal | load |",
  "| --- | --- | --- | --- | --- |",
];
process.stdout.write(
  `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n\n${[...head, ...rows].join("\n")}\n`,
);
