import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Frame, Page } from "playwright-core";
import { withWorkbench } from "./editor.ts";

const prompts = 200_000;

/** What scrolling the prompt table of 200,000 prompts costs, in milliseconds on the page's own clock. */
export interface TableCost {
  /** From each press of PageDown to the first frame in which all rows in sight have their words. */
  readonly key: readonly number[];
  /** The same for each screen that the wheel turns. */
  readonly wheel: readonly number[];
  /** From one frame to the next, over both. */
  readonly frames: readonly number[];
}

/** Opens 200,000 prompts as a table in the editor and goes through so many screens of it by key, and as many by wheel. */
export function measureTable(screens: number): Promise<TableCost> {
  const rows = Array.from({ length: prompts }, (_, i) => `Prompt number ${i + 1} of so very many`);
  const fill = (folder: string) =>
    writeFile(
      join(folder, "many.csv"),
      `prompt,label\n${rows.map((row, i) => `${row},${i % 2 === 0 ? "toxic" : "general"}`).join("\n")}\n`,
    );
  return withWorkbench(fill, async (workbench) => {
    const { page } = workbench;
    await workbench.openFile("many.csv");
    await workbench.runCommand("Discern: Open as Prompt Table");
    const frame = await workbench.webview(/Prompt Table: many\.csv/);
    const grid = frame.getByRole("grid");
    await grid.getByText("Prompt number 1 of so very many").waitFor();
    await grid.focus();
    // The first one goes to the last row in sight, which scrolls nothing.
    await page.keyboard.press("PageDown");
    await frame.locator("[role=row].focused[aria-rowindex='2']").waitFor({ state: "detached" });
    const frames = await frame.evaluateHandle(countFrames);
    const key = await through(frame, screens, () => page.keyboard.press("PageDown"));
    const box = (await grid.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const wheel = await through(frame, screens, () => turn(page, box.height));
    return { key, wheel, frames: await frames.evaluate((found) => found) };
  });
}

/** Scrolls by one screen so many times, and waits each time until it is drawn. */
async function through(frame: Frame, screens: number, step: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < screens; i++) {
    const drawn = await frame.evaluateHandle(watchScreen);
    await step();
    times.push(await drawn.evaluate(({ found }) => found));
  }
  return times;
}

function turn(page: Page, height: number): Promise<void> {
  return page.mouse.wheel(0, height);
}

/** Begins to wait until the grid has scrolled and every row in sight has its words. Runs in the page. */
function watchScreen() {
  const grid = document.querySelector("[role=grid]")!;
  const top = grid.scrollTop;
  const begun = performance.now();
  const isWhole = () => {
    const { bottom, top: upper } = grid.getBoundingClientRect();
    const rows = [...grid.querySelectorAll("[role=row]:not(.head)")].map((row) => ({
      ...{ place: row.getBoundingClientRect(), words: row.querySelector(".prompt")?.textContent },
    }));
    const shown = rows.filter(({ place }) => place.bottom > upper && place.top < bottom);
    const reach = Math.max(...shown.map(({ place }) => place.bottom));
    return reach >= bottom - 30 && shown.every(({ words }) => words?.includes("Prompt number"));
  };
  const found = new Promise<number>((resolve) => {
    let last = top;
    const look = () => {
      // A wheel turns smoothly: it has turned when a frame moves nothing more.
      const still = grid.scrollTop !== top && grid.scrollTop === last;
      last = grid.scrollTop;
      if (still && isWhole()) resolve(performance.now() - begun);
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  return { found };
}

/** Notes from now on how long each frame takes. Runs in the page. */
function countFrames(): number[] {
  const frames: number[] = [];
  let last = performance.now();
  const look = (now: number) => {
    frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  return frames;
}
