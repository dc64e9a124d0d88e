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

  it("leave the prompt room and show both methods' verdicts and probabilities whole", async () => {
    const { host, states } = pages.find(({ name }) => name === "table")!;
    let page: PageInBrowser;
    page = await PageInBrowser.open(
      browser,
      "table",
      host?.(() => page),
    );
    await states.find(({ name }) => name === "blurred")!.show(page);
    const found: Record<number, unknown> = {};
    for (const width of [452, 676, 752, 976, 1052, 1352]) {
      await page.page.setViewportSize({ width, height: 400 });
      found[width] = await page.page.evaluate(measured);
    }
    const inSight = { cut: [], probabilities: 2 };
    expect(found).toEqual({
      452: { ...inSight, prompt: expect.toSatisfy((n) => n >= 115) },
      676: { ...inSight, prompt: expect.toSatisfy((n) => n >= 300) },
      752: { ...inSight, prompt: expect.toSatisfy((n) => n >= 200) },
      976: { ...inSight, prompt: expect.toSatisfy((n) => n >= 240) },
      1052: { ...inSight, prompt: expect.toSatisfy((n) => n >= 300) },
      1352: { ...inSight, prompt: expect.toSatisfy((n) => n >= 330) },
    });
    await page.page.close();
  });
});

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
