import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchChromium } from "./browser.ts";
import { PageInBrowser } from "./pageInBrowser.ts";
import { pages } from "./pageStates.ts";
import { describeWorkbench } from "./useWorkbench.ts";

/** The prompt table in tabs as wide as they are in windows of 800, 1024 and 1400 pixels, with and without a side bar. */
describeWorkbench("the columns of the prompt table", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  const opened = async () => {
    const { host, states } = pages.find(({ name }) => name === "table")!;
    let page: PageInBrowser;
    page = await PageInBrowser.open(
      browser,
      "table",
      host?.(() => page),
    );
    await states.find(({ name }) => name === "blurred")!.show(page);
    return page;
  };

  it("leave the prompt room and show both methods' verdicts and probabilities whole", async () => {
    const page = await opened();
    for (const [width, least] of [
      [452, 115],
      [676, 300],
      [752, 200],
      [976, 240],
      [1052, 300],
      [1352, 330],
    ] as const) {
      await page.page.setViewportSize({ width, height: 400 });
      // The page hears of a window's new size after it is drawn in it.
      await expect
        .poll(() => page.page.evaluate(measured), { message: `at ${width} pixels` })
        .toEqual({ cut: [], probabilities: 2, prompt: expect.toSatisfy((n) => n >= least) });
    }
    await page.page.close();
  });

  it("are dragged by the edges of their headers, and get their own width back", async () => {
    const { page } = await opened();
    await page.setViewportSize({ width: 1352, height: 500 });
    const edge = page.getByRole("separator", { name: "Width of Prompt" });
    const drag = async (by: number) => {
      const { x, y, width, height } = (await edge.boundingBox())!;
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width / 2 + by, y + height / 2, { steps: 4 });
      await page.mouse.up();
    };
    const widths = async () => {
      const { names, cells } = await page.evaluate(boxes, 0);
      expect(cells.every((row) => JSON.stringify(row) === JSON.stringify(names))).toBe(true);
      const [, left, right] = names.find(([column]) => column === "prompt")! as [string, number, number];
      return right - left;
    };
    const stated = async () => Number(await edge.getAttribute("aria-valuenow"));
    // The page hears of a window's new size after it is drawn in it.
    await expect.poll(async () => (await stated()) - (await widths())).toBe(0);
    const own = await widths();
    await drag(-120);
    await expect.poll(widths).toBe(own - 120);
    await expect.poll(stated).toBe(own - 120);
    await drag(400);
    await expect.poll(widths).toBe(own + 280);
    await edge.focus();
    await page.keyboard.press("Shift+ArrowLeft");
    await expect.poll(widths).toBe(own + 230);
    await edge.dblclick();
    await expect.poll(widths).toBe(own);
    // A press on an edge sorts nothing.
    expect(await page.locator("[aria-sort=ascending], [aria-sort=descending]").count()).toBe(0);
    await page.close();
  });

  it("have whole names where they sort", async () => {
    const { page } = await opened();
    for (const name of ["Line", "Label"]) {
      await page.getByRole("columnheader", { name }).getByRole("button").click();
      for (const width of [452, 752, 1352]) {
        await page.setViewportSize({ width, height: 500 });
        const isWhole = () =>
          page
            .locator("[aria-sort=ascending] .sort-name")
            .evaluate((words) => words.scrollWidth <= words.clientWidth);
        await expect.poll(isWhole, { message: `${name} at ${width} px` }).toBe(true);
      }
    }
    await page.close();
  });

  it("stand below their names, also beside the details and where the table scrolls sideways", async () => {
    const page = await opened();
    for (const keys of [[], ["Enter"]]) {
      for (const key of keys) await page.page.keyboard.press(key);
      for (const width of [452, 752, 1000, 1052, 1352]) {
        await page.page.setViewportSize({ width, height: 500 });
        for (const scrolled of [0, 10_000]) {
          // Rows whose cells do not stand below the names.
          const askew = async () => {
            const { names, cells } = await page.page.evaluate(boxes, scrolled);
            const isBelow = (row: unknown) => JSON.stringify(row) === JSON.stringify(names);
            return [names.length, cells.filter((row) => !isBelow(row))];
          };
          const message = `${width} px, ${keys.join() || "no details"}`;
          await expect.poll(askew, { message }).toEqual([10, []]);
        }
      }
    }
    await page.page.getByRole("complementary", { name: "Details" }).waitFor();
    await page.page.close();
  });
});

/** Left and right edges of the columns' names and of the cells of each row, once the table is scrolled sideways. Runs in the page. */
function boxes(scrolled: number) {
  const grid = document.querySelector("[role=grid]")!;
  grid.scrollLeft = scrolled;
  const edges = (row: Element) =>
    [...row.children].map((cell) => {
      const { left, right } = cell.getBoundingClientRect();
      return [cell.className, Math.round(left), Math.round(right)];
    });
  const [head, ...rows] = [...grid.querySelectorAll("[role=row]")].map(edges);
  return { names: head!, cells: rows };
}

/** Width of the prompts, which verdicts and probabilities are cut off, and how many probabilities of a row are in sight. Runs in the page. */
function measured() {
  const grid = document.querySelector("[role=grid]")!;
  const edge = grid.getBoundingClientRect().left + grid.clientWidth;
  const row = grid.querySelector("[aria-selected=true]")!;
  const cells = [...grid.querySelectorAll("[role=gridcell]:is(.verdict, .probability)")];
  const isInSight = (cell: Element) => cell.getBoundingClientRect().right <= edge;
  return {
    prompt: Math.round(row.querySelector(".prompt")!.getBoundingClientRect().width),
    cut: cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map(({ textContent }) => textContent),
    probabilities: [...row.querySelectorAll(".probability")].filter(isInSight).length,
  };
}
