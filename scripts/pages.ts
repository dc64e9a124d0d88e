import { copyFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = join(import.meta.dirname, "..");
const webview = join(root, "dist/webview");

const page = (name: string): BuildOptions => ({
  entryPoints: [join(root, `src/webview/${name}/main.tsx`)],
  outfile: join(webview, `${name}.js`),
  platform: "browser",
  target: "chrome120",
  format: "iife",
  jsx: "automatic",
  jsxImportSource: "preact",
  bundle: true,
  minify: true,
  sourcemap: "linked",
  logLevel: "warning",
});

/** Pages that are also files of their own, as `engine/report/pageFile.ts` writes them. */
const filePages = ["report", "laboratory", "benchmark"];

/** Builds these pages for VS Code, and with each the one style sheet, icons included, of its files. */
export async function buildFilePages(): Promise<void> {
  for (const name of filePages) {
    await build(page(name));
    await build({
      entryPoints: [join(root, `media/webview/${name}File.css`)],
      outfile: join(webview, `${name}File.css`),
      bundle: true,
      minify: true,
      loader: { ".ttf": "dataurl" },
      logLevel: "warning",
    });
  }
}

/** Builds all pages of the workbench, with the icons they share. */
export async function buildPages(): Promise<void> {
  await buildFilePages();
  for (const name of ["labelling", "dashboard", "table", "playground"]) await build(page(name));
  const codicons = dirname(createRequire(import.meta.url).resolve("@vscode/codicons/dist/codicon.css"));
  await mkdir(webview, { recursive: true });
  for (const file of ["codicon.css", "codicon.ttf"])
    await copyFile(join(codicons, file), join(webview, file));
}
