import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";

/** A page as one file. */
interface PageFile {
  /** The page of `src/webview` that shows it. */
  readonly page: "report" | "laboratory" | "benchmark";
  readonly title: string;
  /** What is shown, by the ids of the elements that hold it and in which the page looks for it. */
  readonly values: Readonly<Record<string, unknown>>;
  /** One sentence for those whose browser runs no scripts. */
  readonly withoutScript: string;
}

/**
 * A page as one HTML file that needs nothing else: the page that VS Code shows, its styles and its icons, and what it shows as data.
 * Words of models and data sets are inert: they stand in JSON blocks, reach the page as text nodes only, and the content security policy
 * runs no script and uses no style but the page's own, known by their hashes. Nothing is fetched.
 *
 * @throws DiscernError `file-missing` where the page was not built.
 */
export async function pageFile({ page, title, values, withoutScript }: PageFile): Promise<string> {
  const [source, style] = await Promise.all([pagePart(`${page}.js`), pagePart(`${page}File.css`)]);
  const script = scriptText(source);
  const blocks = Object.entries(values).map(
    ([id, value]) => `<script type="application/json" id="${id}">${inertJson(value)}</script>`,
  );
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "font-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<main id="root"></main>
<noscript>${escaped(withoutScript)}</noscript>
${blocks.join("\n")}
<script>${script}</script>
</body>
</html>
`;
}

/** A part of the page: beside the bundle of the engine, or where `npm run build` puts it when run from the sources. */
async function pagePart(name: string): Promise<string> {
  const beside = join(import.meta.dirname, "webview", name);
  const path = existsSync(beside) ? beside : join(import.meta.dirname, "../../../dist/webview", name);
  try {
    // The parser of HTML turns line ends into \n; the hash is of what it then sees.
    return (await readFile(path, "utf8")).replaceAll(/\r\n?/g, "\n");
  } catch (cause) {
    throw new DiscernError(
      "file-missing",
      `A page of HTML files is missing from this installation: ${path}. Reinstall Discern; in a clone, run \`npm run build\`.`,
      { cause },
    );
  }
}

/**
 * The script as it may stand in a script element. Only three openings end or change that element, and in JavaScript they
 * occur in strings alone. The comment that names a source map is dropped, for there is no such file beside a report.
 */
function scriptText(source: string): string {
  return source.replace(/^\/\/# sourceMappingURL=.*$/m, "").replace(/<(?=\/script|script|!--)/gi, "\\x3c");
}

/** A value as JSON in which nothing can end the element that it stands in, and no line ends but JSON's. */
function inertJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
