import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { asFileName } from "../../protocol/fileName.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { Series } from "../../protocol/report/training.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { csvText } from "../../wording/csv.ts";

/** Width and height of a panel with its margins, and where in it the axes are. */
const panel = { width: 340, height: 240, left: 48, right: 12, top: 30, bottom: 42 } as const;
const legendHeight = 28;

/** The lines of a panel: colours that are told apart without colour vision, and dashes for print. */
const lines = [
  { key: "toxic", name: "toxic", colour: "#b2182b", dash: "" },
  { key: "seeminglyToxic", name: "seemingly toxic", colour: "#2166ac", dash: "6 3" },
  { key: "general", name: "general", colour: "#666666", dash: "2 3" },
] as const;

type Group = (typeof lines)[number]["key"];

/**
 * Writes the course of refusal probabilities during training as pictures and as data: `comovement.svg` with a panel per method,
 * `comovement-METHOD.svg` with each alone, and `comovement.csv`. Nothing where nothing was trained.
 *
 * @param folder is made where it is not there.
 */
export async function writeFigures(report: Report, folder: string): Promise<void> {
  const methods = methodsWithSeries(report);
  if (methods.length === 0) return;
  await mkdir(folder, { recursive: true });
  await writeAtomic(join(folder, "comovement.csv"), comovementCsv(report));
  await writeAtomic(join(folder, "comovement.svg"), comovementSvg(methods));
  for (const method of methods) {
    const file = `comovement-${asFileName(method.name, "method")}.svg`;
    await writeAtomic(join(folder, file), comovementSvg([method]));
  }
}

interface MethodSeries {
  readonly name: string;
  readonly series: readonly Series[];
}

/** Methods with at least two probes, in the order of the report. */
function methodsWithSeries({ methods, series }: Report): MethodSeries[] {
  return methods
    .map(({ id, name }) => ({
      name,
      series: series.filter((one) => one.method === id && one.points.length > 1),
    }))
    .filter((one) => one.series.length > 0);
}

/** A row per method, seed and probe. */
export function comovementCsv({ methods, series }: Report): string {
  const header = ["method", "seed", "step", "toxic", "seemingly_toxic", "general"];
  const rows = series.flatMap(({ method, seed, points }) =>
    points.map(({ step, toxic, seeminglyToxic, general }) => [
      ...[methodName(methods, method), seed, step, toxic, seeminglyToxic, general],
    ]),
  );
  return csvText([header, ...rows]);
}

/**
 * Refusal probabilities over steps, a panel per method in two columns: the mean over seeds, each seed faintly, and the beginning of a further stage as
 * a vertical line. The axes of all panels are the same.
 */
export function comovementSvg(methods: readonly MethodSeries[]): string {
  const columns = Math.min(2, methods.length);
  const [width, height] = [
    columns * panel.width,
    Math.ceil(methods.length / columns) * panel.height + legendHeight,
  ];
  const steps = greatestOf([
    1,
    ...methods.flatMap(({ series }) => series.flatMap(({ points }) => points.map(({ step }) => step))),
  ]);
  const panels = methods.map((method, i) => {
    const at = `translate(${(i % columns) * panel.width},${Math.floor(i / columns) * panel.height})`;
    return `<g transform="${at}">${panelSvg(method, steps)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...panels,
    `<g transform="translate(${panel.left},${height - legendHeight + 14})">${legend()}</g>`,
    "</svg>\n",
  ].join("\n");
}

function panelSvg({ name, series }: MethodSeries, steps: number): string {
  const { left, top } = panel;
  const [plotWidth, plotHeight] = [panel.width - left - panel.right, panel.height - top - panel.bottom];
  const x = (step: number) => (left + (plotWidth * step) / steps).toFixed(1);
  const y = (p: number) => (top + plotHeight * (1 - p)).toFixed(1);
  const bottom = y(0);
  const line = (points: readonly (readonly [number, number])[], more: string) =>
    `<polyline fill="none" points="${points.map(([step, p]) => `${x(step)},${y(p)}`).join(" ")}" ${more}/>`;
  const begins = [...new Set(series.flatMap(({ stages = [] }) => stages.slice(1).map(({ step }) => step)))];
  return [
    `<text x="${left}" y="${top - 12}" font-weight="bold">${escaped(name)}</text>`,
    ...[0, 0.5, 1].map(
      (p) =>
        `<line x1="${left}" x2="${x(steps)}" y1="${y(p)}" y2="${y(p)}" stroke="#dddddd"/>` +
        `<text x="${left - 6}" y="${Number(y(p)) + 4}" text-anchor="end">${p}</text>`,
    ),
    ...[0, Math.round(steps / 2), steps].map(
      (step) => `<text x="${x(step)}" y="${Number(bottom) + 15}" text-anchor="middle">${step}</text>`,
    ),
    `<text x="${x(steps / 2)}" y="${Number(bottom) + 30}" text-anchor="middle">step</text>`,
    `<text transform="translate(13,${y(0.5)}) rotate(-90)" text-anchor="middle">refusal probability</text>`,
    ...begins.map(
      (step) =>
        `<line x1="${x(step)}" x2="${x(step)}" y1="${y(1)}" y2="${bottom}" stroke="#999999" stroke-dasharray="4 3"/>`,
    ),
    ...lines.flatMap(({ key, colour, dash }) => [
      ...(series.length > 1
        ? series.map(({ points }) =>
            line(
              points.map((point) => [point.step, point[key]]),
              `stroke="${colour}" stroke-width="0.8" opacity="0.35"`,
            ),
          )
        : []),
      line(meanOf(series, key), `stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"`),
    ]),
  ].join("\n");
}

/** The mean over seeds at the steps that all of them have. */
function meanOf(series: readonly Series[], key: Group): [number, number][] {
  const [first, ...others] = series.map(
    ({ points }) => new Map(points.map((point) => [point.step, point[key]])),
  );
  const shared = [...first!.keys()].filter((step) => others.every((one) => one.has(step)));
  return shared.map((step) => {
    const values = [first!, ...others].map((one) => one.get(step)!);
    return [step, values.reduce((sum, value) => sum + value, 0) / values.length];
  });
}

function legend(): string {
  return lines
    .map(
      ({ name, colour, dash }, i) =>
        `<g transform="translate(${i * 120},0)"><line x2="22" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>` +
        `<text x="28" y="4">${name}</text></g>`,
    )
    .join("");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
