import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lastingFaults } from "./accessibility.ts";
import { launchChromium } from "./browser.ts";
import { PageInBrowser } from "./pageInBrowser.ts";
import { pages } from "./pageStates.ts";
import { themeNames } from "./themeColours.ts";
import { describeWorkbench } from "./useWorkbench.ts";

const screenshots = join(import.meta.dirname, "../../.cache/workbench/screenshots");

/** Every page in each of its states, in a theme of each kind: axe finds nothing serious, and nothing moves where that is not wanted. */
describeWorkbench("accessibility", () => {
  let browser: Browser;
  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true });
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  it.each(pages)("axe finds no serious fault in $name", async ({ name, host, states }) => {
    let page: PageInBrowser;
    page = await PageInBrowser.open(
      browser,
      name,
      host?.(() => page),
    );
    const found: Record<string, string[]> = {};
    for (const state of states) {
      await state.show(page);
      for (const theme of themeNames) {
        await page.setTheme(theme);
        // What does not hang on colours is the same in each theme.
        const rules = { runOnly: ["color-contrast", "link-in-text-block"] };
        const faults = await lastingFaults(page.page, theme === "dark" ? {} : rules);
        if (faults.length > 0) found[`${state.name}, ${String(theme)}`] = faults;
        const path = join(
          screenshots,
          `${String(name)}-${state.name.replace(/\W+/g, "-")}-${String(theme)}.png`,
        );
        if (process.env.DISCERN_PICTURES) await page.page.screenshot({ path });
      }
      await page.setTheme("dark");
    }
    expect(found).toEqual({});
    await page.page.close();
  });

  it("checks and sliders are seen in high contrast", async () => {
    for (const [name, until] of [
      ["report", "figures"],
      ["laboratory", "projection"],
    ]) {
      const page = await PageInBrowser.open(browser, name!);
      const { states } = pages.find((one) => one.name === name)!;
      await states.find((one) => one.name === until)!.show(page);
      for (const theme of themeNames.filter((one) => one.startsWith("high-contrast"))) {
        await page.setTheme(theme);
        const { accents, background } = await page.page.evaluate(() => ({
          accents: [...document.querySelectorAll("input")].map(
            (input) => getComputedStyle(input).accentColor,
          ),
          background: getComputedStyle(document.body).backgroundColor,
        }));
        expect(accents.length).toBeGreaterThan(0);
        expect(accents, `${name} in ${theme}`).not.toContain(background);
      }
      await page.page.close();
    }
  });

  it.each(pages)("nothing moves in $name where reduced motion is wanted", async ({ name, host, states }) => {
    let page: PageInBrowser;
    page = await PageInBrowser.open(
      browser,
      name,
      host?.(() => page),
    );
    for (const state of states) await state.show(page);
    const moving = () => page.page.evaluate(movingElements);
    await page.page.emulateMedia({ reducedMotion: "reduce" });
    expect(await moving()).toEqual([]);
    // The editor has a setting of its own, which a class tells its webviews.
    await page.page.emulateMedia({ reducedMotion: "no-preference" });
    await page.page.evaluate(() => document.body.classList.add("vscode-reduce-motion"));
    expect(await moving()).toEqual([]);
    await page.page.close();
  });
});

/** Elements that a transition or animation would move, in the page and in the toolkit's elements. Runs in the page. */
function movingElements(): string[] {
  const within = (root: Document | ShadowRoot): Element[] =>
    [...root.querySelectorAll("*")].flatMap((one) => [
      one,
      ...(one.shadowRoot ? within(one.shadowRoot) : []),
    ]);
  const moves = (durations: string) => durations.split(",").some((each) => Number.parseFloat(each) > 0);
  return within(document)
    .filter((one) => {
      const { transitionDuration, animationName, animationDuration } = getComputedStyle(one);
      return moves(transitionDuration) || (animationName !== "none" && moves(animationDuration));
    })
    .map((one) => `${one.tagName} ${one.getAttribute("class") ?? ""}`);
}
