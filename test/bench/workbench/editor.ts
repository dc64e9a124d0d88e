import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabelFile } from "../../../src/dataset/labelFile.ts";
import { promptId } from "../../../src/dataset/record.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { activationTime } from "../../workbench/activation.ts";
import { openWorkbench, type Workbench } from "../../workbench/workbench.ts";
import { fillWorkspace, tinyRecipe } from "../../workbench/workspace.ts";

const prompts = 80_000;

/** Milliseconds between a label and the next key: few people decide faster. */
const PACE = 1000;

/** Opens a workbench on a new folder, uses it, and takes both away. */
export async function withWorkbench<T>(
  fill: (folder: string) => Promise<void>,
  use: (workbench: Workbench, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "discern-bench-"));
  await fill(folder);
  const workbench = await openWorkbench({ folder });
  try {
    return await use(workbench, folder);
  } finally {
    await workbench.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds in which the extension starts in the sample workspace, as the editor tells; one new editor a time. */
export async function measureActivation(repeat: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < repeat; i++) {
    times.push(await withWorkbench(fillWorkspace, (workbench) => activationTime(workbench, "Discern")));
  }
  return times;
}

/** Milliseconds on the page's own clock, from the press of a button or key to the first frame that shows the result. */
export interface TreeCost {
  /** A file of 80,000 prompts that nobody has read yet is unfolded: until its groups are there. */
  readonly expand: number;
  /** Its group is unfolded. */
  readonly expandGroup: number;
  /** A prompt is labelled by key: until the next one is selected. The first makes a group, which draws the whole file anew. */
  readonly label: readonly number[];
}

/** Milliseconds in which a label is written, synced and known, in the log of a file whose prompts are all labelled. */
export async function measureLabel(repeat: number): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), "discern-bench-"));
  try {
    const labels = new LabelFile(join(folder, "many.csv.labels.jsonl"));
    const ids = Array.from({ length: prompts }, (_, i) => promptId(`Prompt number ${i + 1}`));
    await labels.decide(
      "bench",
      ids.map((id) => ({ id, label: "general" })),
    );
    const times: number[] = [];
    for (const id of ids.slice(0, repeat)) {
      const begun = performance.now();
      await labels.decide("bench", [{ id, label: "toxic" }]);
      times.push(performance.now() - begun);
    }
    return times;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Unfolds 80,000 prompts in the Prompts view, and labels some. */
export function measureTree(labels: number): Promise<TreeCost> {
  const fill = (folder: string) =>
    writeFile(
      join(folder, "many.csv"),
      `prompt\n${Array.from({ length: prompts }, (_, i) => `Prompt number ${i + 1} of many`).join("\n")}\n`,
    );
  return withWorkbench(fill, async (workbench) => {
    const { page } = workbench;
    await workbench.openSideBar("Discern");
    const row = (name: RegExp) => workbench.treeItem(name).first();
    const unfold = async (name: RegExp, until: string) => {
      await row(name).waitFor();
      const shown = await watch(workbench, `[role=treeitem][aria-label^="${until}"]`);
      await row(name).click();
      return shown();
    };
    const expand = await unfold(/^many\.csv/, "Unlabelled");
    const expandGroup = await unfold(/^Unlabelled/, "1–");
    await unfold(/^1–/, "unlabelled, Prompt number 1 of many");
    await row(/Prompt number 1 of many$/).click();
    const label: number[] = [];
    for (let i = 0; i < labels; i++) {
      const next = `[role=treeitem][aria-selected=true][aria-label$="Prompt number ${i + 2} of many"]`;
      const shown = await watch(workbench, next);
      await page.keyboard.press("1");
      label.push(await shown());
      await page.waitForTimeout(PACE);
    }
    return { expand, expandGroup, label };
  });
}

/**
 * Begins to wait for an element, just before a key or button is pressed; the few milliseconds that the press takes to
 * reach the page are counted too. (The editor keeps key events from other listeners, so the press itself is not seen.)
 *
 * @returns what gives the milliseconds until the element was there, on the page's own clock.
 */
async function watch({ page }: Workbench, selector: string): Promise<() => Promise<number>> {
  const watching = await page.evaluateHandle((wanted) => {
    const begun = performance.now();
    const found = new Promise<number>((resolve) => {
      const look = () => {
        if (document.querySelector(wanted)) resolve(performance.now() - begun);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    return { found };
  }, selector);
  return () => watching.evaluate(({ found }) => found);
}

/** Memory of the extension host over a run, in bytes. */
export interface HostMemory {
  readonly steps: number;
  /** Resident memory when the run begins, and the most of it from then on. */
  readonly before: number;
  readonly peak: number;
  readonly after: number;
}

/** Trains a tiny model for so many steps, its dashboard open, and watches the memory of the extension host. */
export function measureHost(steps: number): Promise<HostMemory> {
  const name = "marathon";
  const fill = async (folder: string) => {
    await fillWorkspace(folder);
    const recipe = tinyRecipe(name, steps);
    const stages = recipe.stages.map((stage) =>
      stage.type === "supervised" ? { ...stage, batchSize: 2 } : stage,
    );
    const quick = { ...recipe, stages, probes: { ...recipe.probes, every: 25 }, evaluate: { suites: [] } };
    const checkpoint = { every: 1000 };
    await writeFile(join(folder, `${name}.discern.json`), JSON.stringify({ ...quick, checkpoint }));
  };
  return withWorkbench(fill, async (workbench, folder) => {
    await workbench.openFile(`${name}.discern.json`);
    await workbench.openSideBar("Discern");
    await workbench.runCommand("Discern: Run Recipe…");
    await workbench.webview(`Dashboard: ${name}`);
    const events = join(folder, "runs", name, "events.jsonl");
    const before = await hostBytes(workbench);
    let peak = before;
    let after = before;
    while (timeline(readEvents(events)).state === "running") {
      await sleep(2000);
      after = await hostBytes(workbench);
      peak = Math.max(peak, after);
    }
    return { steps: timeline(readEvents(events)).steps.length, before, peak, after };
  });
}

/** Resident memory of the editor's extension host, in bytes. */
async function hostBytes(workbench: Workbench): Promise<number> {
  const hosts = await workbench.processes("--type=extensionHost");
  const sizes = await Promise.all(
    hosts.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    }),
  );
  return Math.max(...sizes);
}
