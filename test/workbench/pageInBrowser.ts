import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { storedColours, type ThemeName } from "./themeColours.ts";

const root = join(import.meta.dirname, "../..");
const origin = "http://page.test";
const types: Record<string, string> = { css: "text/css", js: "text/javascript", ttf: "font/ttf" };

/**
 * A built page of ours alone in a browser, with the colours of the editor's themes and a host of the test's own. It starts and
 * changes its theme in a tenth of the time that an editor takes.
 */
export class PageInBrowser {
  readonly page: Page;
  private telling: Promise<unknown> = Promise.resolve();

  private constructor(page: Page) {
    this.page = page;
  }

  /**
   * Opens a page in the dark theme, in a window of 1400 × 900 pixels.
   *
   * @param onMessage takes what the page asks; `ready` is not among it.
   * @param deviceScaleFactor pixels of the screen per pixel of the page: 2 at 200 % zoom.
   */
  static async open(
    browser: Browser,
    name: string,
    onMessage: (message: never) => unknown = () => {},
    deviceScaleFactor = 1,
  ): Promise<PageInBrowser> {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, deviceScaleFactor });
    await page.route(`${origin}/**`, async (route) => {
      const path = new URL(route.request().url()).pathname.slice(1);
      if (path === name) return route.fulfill({ contentType: "text/html", body: html(name) });
      const body = await readFile(join(root, path)).catch(() => null);
      if (body === null) return route.fulfill({ status: 404 });
      return route.fulfill({ body, contentType: types[path.split(".").at(-1)!] ?? "text/plain" });
    });
    await page.exposeFunction("toHost", (message: { type: string }) => {
      if (message.type !== "ready") void onMessage(message as never);
    });
    await page.addInitScript(() => {
      const toHost = (message: unknown) => (globalThis as unknown as Host).toHost(message);
      Object.assign(globalThis, {
        acquireVsCodeApi: () => ({ postMessage: toHost, getState: () => undefined, setState() {} }),
      });
    });
    await page.goto(`${origin}/${name}`);
    const opened = new PageInBrowser(page);
    await opened.setTheme("dark");
    return opened;
  }

  /** Tells the page something; what is told while it is told comes after it. */
  tell(message: object): Promise<unknown> {
    const text = JSON.stringify(message, (_key, value) =>
      ArrayBuffer.isView(value) ? { array: value.constructor.name, of: [...(value as Uint8Array)] } : value,
    );
    const tell = () =>
      this.page.evaluate((json) => {
        const arrays: Record<string, { from(of: number[]): unknown }> = {
          Uint8Array,
          Uint32Array,
          Int32Array,
        };
        const data = JSON.parse(json!, (_key, value) =>
          value?.array ? arrays[value.array]!.from(value.of) : value,
        );
        window.dispatchEvent(new MessageEvent("message", { data }));
      }, text);
    this.telling = this.telling.then(tell);
    return this.telling;
  }

  /** Shows the page in the colours of a theme, as the editor gives them. */
  async setTheme(name: ThemeName): Promise<void> {
    await this.page.evaluate(({ body, style }) => {
      document.body.className = body;
      // What this theme does not have must not be the last one's.
      document.documentElement.style.cssText = "";
      for (const [property, value] of Object.entries(style))
        document.documentElement.style.setProperty(property, value);
    }, storedColours(name));
  }
}

interface Host {
  toHost(message: unknown): void;
}

function html(name: string): string {
  const styles = ["dist/webview/codicon.css", "media/webview/base.css", `media/webview/${name}.css`];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${name}</title>
${styles.map((path) => `<link rel="stylesheet" href="/${path}">`).join("\n")}
</head><body><main id="root"></main><script src="/dist/webview/${name}.js"></script></body></html>`;
}
