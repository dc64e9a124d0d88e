import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium } from "./browser.ts";
import { PageInBrowser } from "./pageInBrowser.ts";
import { pages } from "./pageStates.ts";
import { describeWorkbench } from "./useWorkbench.ts";

/** Pages in small windows and at 200 % zoom, which is a window of half the size with twice the pixels. */
describeWorkbench("in a small window", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** A page, after its states up to the one with this name. */
  async function opened(name: string, until: string, deviceScaleFactor = 1): Promise<PageInBrowser> {
    const { host, states } = pages.find((one) => one.name === name)!;
    let page: PageInBrowser;
    page = await PageInBrowser.open(
      browser,
      name,
      host?.(() => page),
      deviceScaleFactor,
    );
    for (const state of states.slice(0, states.findIndex((one) => one.name === until) + 1))
      await state.show(page);
    return page;
  }

  // As large as a panel is in such a window, beside the activity bar and under the tabs.
  it.each([
    { at: "1024 × 700", width: 976, height: 590, scale: 1 },
    { at: "1400 × 900 and 200 % zoom", width: 652, height: 345, scale: 2 },
  ])("the dashboard has a chart on its first screen at $at", async ({ width, height, scale }) => {
    const page = await opened("dashboard", "two runs", scale);
    await page.page.setViewportSize({ width, height });
    const isOnFirstScreen = async () => {
      const box = await page.page.locator("canvas").first().boundingBox();
      return box !== null && box.y >= 0 && box.y + box.height <= height && box.x + box.width <= width;
    };
    await expect.poll(isOnFirstScreen).toBe(true);
    const runs = [{ id: "a", label: "a", method: "a" }];
    await page.tell({ type: "runs", runs, kept: { follows: [], removed: [] } });
    await page.page.getByRole("region", { name: "Run b" }).waitFor({ state: "detached" });
    await expect.poll(isOnFirstScreen).toBe(true);
    await page.page.close();
  });

  it.each(pages)("$name is never wider than a window of 800 pixels", async ({ name, states }) => {
    const page = await opened(name, states[0]!.name);
    await page.page.setViewportSize({ width: 752, height: 590 });
    for (const state of states) {
      await state.show(page);
      const width = () => page.page.evaluate(() => document.documentElement.scrollWidth);
      await expect.poll(width, { message: state.name }).toBe(752);
    }
    await page.page.close();
  });

  it("the matrix says whole what its runs are at", async () => {
    const { page } = await opened("benchmark", "matrix");
    for (const width of [752, 1352]) {
      await page.setViewportSize({ width, height: 590 });
      const cut = () =>
        page.evaluate(() =>
          [...document.querySelectorAll(".status-words")]
            .filter((words) => words.scrollWidth > words.clientWidth)
            .map(({ textContent }) => textContent),
        );
      await expect.poll(cut, { message: `at ${width} pixels` }).toEqual([]);
    }
    await page.close();
  });

  it("a mark of overlap stands on the line of its figure", async () => {
    const { page } = await opened("report", "figures");
    for (const width of [752, 1352]) {
      await page.setViewportSize({ width, height: 590 });
      const found = () =>
        page.evaluate(() => {
          const marks = [...document.querySelectorAll("abbr")];
          const figureOf = (mark: Element) => {
            const range = document.createRange();
            range.setStart(mark.parentElement!, 0);
            range.setEndBefore(mark);
            return range.getBoundingClientRect();
          };
          const isBelow = (mark: Element) => mark.getBoundingClientRect().top >= figureOf(mark).bottom - 2;
          return { marks: marks.length, below: marks.filter(isBelow).length };
        });
      await expect
        .poll(found, { message: `at ${width} pixels` })
        .toEqual({ marks: expect.toSatisfy((n) => n > 5), below: 0 });
    }
    await page.close();
  });

  it("labels of the grid are whole, and never touch a text", async () => {
    const page = await opened("labelling", "queue in the grid, rows selected");
    for (const width of [800, 1024]) {
      await page.page.setViewportSize({ width, height: 700 });
      await expect
        .poll(() => page.page.evaluate(touchingCells), { message: `at ${width} pixels` })
        .toEqual({ cells: expect.toSatisfy((n) => n > 20), touching: [], cut: [] });
    }
    await page.page.close();
  });
});

/** How many texts the rows of a grid hold, which of them touch the one before them in their row, and which labels are cut off. Runs in the page. */
function touchingCells() {
  const inked = (cell: Element) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    // What a cell cuts off is not drawn.
    const [ink, box] = [range.getBoundingClientRect(), cell.getBoundingClientRect()];
    const cuts = getComputedStyle(cell).overflowX !== "visible";
    return {
      text: cell.textContent,
      left: ink.left,
      right: cuts ? Math.min(ink.right, box.right) : ink.right,
    };
  };
  const rows = [...document.querySelectorAll("[role=grid] [role=row]")].map((row) =>
    [...row.querySelectorAll("[role=gridcell], [role=columnheader]")]
      .map(inked)
      .filter(({ left, right }) => right > left),
  );
  const parts = [...document.querySelectorAll("[role=grid] .label, [role=grid] .label *")];
  return {
    cut: parts.filter((part) => part.scrollWidth > part.clientWidth).map(({ textContent }) => textContent),
    cells: rows.flat().length,
    touching: rows.flatMap((row) =>
      row
        .slice(1)
        .filter((cell, before) => cell.left - row[before]!.right < 4)
        .map(({ text }) => text),
    ),
  };
}
