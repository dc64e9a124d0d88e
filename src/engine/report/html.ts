import { createHash } from "node:crypto";
import type { Report } from "../../protocol/report.ts";
import { browse } from "./page/browse.ts";
import { charts } from "./page/charts.ts";
import { comparisons } from "./page/comparisons.ts";
import { elements } from "./page/elements.ts";
import { layers } from "./page/layers.ts";
import { layOut } from "./page/main.ts";
import { overview } from "./page/overview.ts";
import { style } from "./page/style.ts";
import { training } from "./page/training.ts";

/** The functions of the page, as the source text of one object: each stands alone and takes what it needs. A bundler
 * may minify them but not keep their names, which esbuild does through a helper outside of them. */
const page = Object.entries({ elements, charts, overview, training, layers, comparisons, browse, layOut })
  .map(([name, part]) => `${name}: ${part}`)
  .join(",\n");

const program = `"use strict";
const page = {${page}};
const report = JSON.parse(document.getElementById("report").textContent);
const elements = page.elements(report);
const charts = page.charts(Chart);
const sections = [
  ...page.overview(report, elements, charts),
  ...page.training(report, elements, charts),
  ...page.layers(report, elements, charts),
  ...page.comparisons(report, elements),
];
page.layOut(report, elements, sections, page.browse(report, elements));
charts.redraw();
for (const media of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(media).addEventListener("change", () => charts.redraw());
}
`;

/**
 * The report as one HTML page that needs nothing else: charts, tables, and the prompts with their answers. Models' words
 * are data: they stand in an inert JSON block, reach the page as text nodes only, and the content security policy lets
 * run no script but the page's own, known by their hashes.
 *
 * @param chartSource source text of Chart.js's UMD build (chart.js/dist/chart.umd.js)
 */
export function reportHtml(report: Report, chartSource: string): string {
  const scripts = [withoutSourceMap(chartSource), program].map(closeless);
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hash).join(" ")}`,
    `style-src ${hash(style)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Discern report</title>
<style>${style}</style>
</head>
<body>
<noscript>This report is drawn by its own script; its numbers are also in report.json and report.md.</noscript>
<script type="application/json" id="report">${JSON.stringify(report).replaceAll("<", "\\u003c")}</script>
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
}

/** A browser asks for the file that a source map comment names, and there is none beside a report. */
function withoutSourceMap(source: string): string {
  return source.replace(/^\/\/# sourceMappingURL=.*$/m, "");
}

/** Inside a script element only these three openings end or change it, and in JavaScript they only occur in strings. */
function closeless(script: string): string {
  return script.replace(/<(?=\/script|script|!--)/gi, "\\x3c");
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
