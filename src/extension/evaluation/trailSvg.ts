/** How the refusal probability of one prompt went while the model was trained. */
export interface Trail {
  /** Probes in the order of their steps; `p` in [0, 1]. */
  readonly points: readonly { readonly step: number; readonly p: number }[];
  /** Steps at which stages after the first began. */
  readonly stages: readonly number[];
}

const WIDTH = 320;
const HEIGHT = 84;
/** Room around the plot for the numbers at its axes, in pixels. */
const AROUND = { left: 30, right: 12, top: 8, bottom: 18 };
/** Greys and blues between light and dark, with a contrast of 3 and more to the ground of every theme. */
const INK = "#848484";
const LINE = "#3d8fd1";

/**
 * A trail as a picture in a `data:` address, which Markdown shows without any file.
 */
export function trailPicture(trail: Trail): string {
  return `data:image/svg+xml;base64,${Buffer.from(trailSvg(trail)).toString("base64")}`;
}

/** A trail as SVG: refusal probability upwards from 0 to 1, steps to the right, stages as dashed lines. */
export function trailSvg({ points, stages }: Trail): string {
  const last = Math.max(1, points.at(-1)?.step ?? 1);
  const x = (step: number) => round(AROUND.left + (step / last) * (WIDTH - AROUND.left - AROUND.right));
  const y = (p: number) => round(AROUND.top + (1 - p) * (HEIGHT - AROUND.top - AROUND.bottom));
  const rule = (p: number) =>
    `<path d="M${x(0)} ${y(p)}H${x(last)}" stroke="${INK}" stroke-opacity="0.5"/>` +
    `<text x="${AROUND.left - 6}" y="${y(p) + 4}" text-anchor="end">${p}</text>`;
  const below = (step: number, anchor: string) =>
    `<text x="${x(step)}" y="${HEIGHT - 4}" text-anchor="${anchor}">${step}</text>`;
  const dots = points.length > 1 ? [points[0]!, points.at(-1)!] : points;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<g fill="${INK}" font-family="sans-serif" font-size="11">`,
    ...[0, 0.5, 1].map(rule),
    below(0, "start"),
    below(last, "end"),
    "</g>",
    ...stages.map((step) => `<path d="M${x(step)} ${y(1)}V${y(0)}" stroke="${INK}" stroke-dasharray="3 3"/>`),
    `<polyline points="${points.map(({ step, p }) => `${x(step)},${y(p)}`).join(" ")}" fill="none" stroke="${LINE}" stroke-width="2" stroke-linejoin="round"/>`,
    ...dots.map(({ step, p }) => `<circle cx="${x(step)}" cy="${y(p)}" r="3.5" fill="${LINE}"/>`),
    "</svg>",
  ].join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
