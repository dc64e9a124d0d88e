import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Frame } from "playwright-core";
import colours from "./themeColours.json" with { type: "json" };

export type ThemeName = Extract<keyof typeof colours, string>;

/** The themes of the editor in which pages are looked at, one of each kind. */
export const themeNames = Object.keys(colours) as ThemeName[];

/** How the editor shows a page in a theme: the class of its body, and its variables. */
export interface ThemeColours {
  readonly body: string;
  readonly style: Readonly<Record<string, string>>;
}

/** How `PageInBrowser` shows pages in a theme: what the editor gave them, of the variables that they use. */
export function storedColours(theme: ThemeName): ThemeColours {
  return colours[theme];
}

const styles = join(import.meta.dirname, "../../media/webview");
const read = join(import.meta.dirname, "../../.cache/workbench/themeColours");

/**
 * What the editor gives a page in the theme that it has now: of all variables that a style sheet of ours names or that are stored. It is
 * also written into `.cache/workbench/themeColours`, from where it can be taken over.
 */
export async function givenColours(page: Frame, theme: ThemeName): Promise<ThemeColours> {
  const sheets = (await readdir(styles)).filter((name) => name.endsWith(".css"));
  const texts = await Promise.all(sheets.map((name) => readFile(join(styles, name), "utf8")));
  const named = texts.flatMap((text) => text.match(/--vscode-[\w-]+/g) ?? []);
  const stored = themeNames.flatMap((name) => Object.keys(colours[name].style));
  const given = await page.evaluate((names) => {
    const { style } = document.documentElement;
    const values = names.map((name) => [name, style.getPropertyValue(name)] as const);
    return {
      body: [...document.body.classList].filter((name) => /^vscode-(light|dark|high)/.test(name)).join(" "),
      style: Object.fromEntries(values.filter(([, value]) => value !== "")),
    };
  }, [...new Set([...named, ...stored])].sort());
  await mkdir(read, { recursive: true });
  await writeFile(join(read, `${theme}.json`), `${JSON.stringify(given, null, 2)}\n`);
  return given;
}
