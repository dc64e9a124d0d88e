import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Frame, Page } from "playwright-core";

/**
 * What axe finds seriously or critically wrong in a page, one line a fault: the rule, what it asks for, and the elements.
 * An empty list is what one hopes for.
 *
 * @param options of axe, such as the rules that are meant; all where left out.
 */
export async function seriousFaults(frame: Frame | Page, options: RunOptions = {}): Promise<string[]> {
  // Evaluated by the debugger, not added as a script: the page's content security policy stays as it is.
  if (!(await frame.evaluate("'axe' in window"))) {
    const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    await frame.evaluate(await readFile(path, "utf8"));
  }
  // A webview is transparent. Axe cannot see from inside what is behind it, and would take it for white.
  await frame.evaluate(() => {
    document.documentElement.style.backgroundColor = "var(--vscode-editor-background)";
  });
  const asked = JSON.stringify({ iframes: false, resultTypes: ["violations"], ...options });
  const { violations } = await frame.evaluate<AxeResults>(`axe.run(document, ${asked})`);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => {
      const elements = nodes.map((node) => `${node.target.join(" ")} ${node.html.slice(0, 120)}`);
      return `${id}: ${help}\n  ${elements.join("\n  ")}`;
    });
}

/** Milliseconds in which the toolkit colours its elements anew after a change of the theme. */
const recoloured = 15_000;

/** What axe finds for longer than the page takes to take on its theme: what is no fault any more then is none. As `seriousFaults`. */
export async function lastingFaults(frame: Frame | Page, options: RunOptions = {}): Promise<string[]> {
  for (const end = performance.now() + recoloured; ; ) {
    const faults = await seriousFaults(frame, options);
    if (faults.length === 0 || performance.now() > end) return faults;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
