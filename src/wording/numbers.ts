/**
 * How numbers are written, on every surface: command line, Markdown, editor, pages and scripts. The rules, once: a share of
 * counted things is a percentage (62 %), every other dimensionless figure has two decimals (0.62), a cross-entropy three
 * (1.641), an interval stands in brackets without the unit of the value before it (62 % [55, 69]), the minus sign is a
 * minus, and what is not known is a dash. A number that rounds to zero has no sign.
 */

const unknown = "–";

const units = {
  /** A dimensionless figure: AUROC, probability, correlation, cosine, slope. */
  number: { scale: 1, decimals: 2, suffix: "" },
  /** A share of counted things, in [0, 1]. */
  share: { scale: 100, decimals: 0, suffix: " %" },
  /** A difference of two shares. */
  points: { scale: 100, decimals: 1, suffix: " points" },
  /** A cross-entropy or an entropy, in nats; also losses and norms during training. */
  nats: { scale: 1, decimals: 3, suffix: "" },
} as const;

/** What a figure is measured in, which decides how it is written. */
export type Unit = keyof typeof units;

/** The ends of an interval. */
interface Ends {
  readonly lower: number;
  readonly upper: number;
}

type Maybe = number | null | undefined;

/** A figure in its unit: "0.62", "62 %", "1.641"; "–" where it is not known. */
export function figure(value: Maybe, unit: Unit = "number"): string {
  if (!isKnown(value)) return unknown;
  return unit === "share" ? percent(value) : `${digits(value, unit)}${units[unit].suffix}`;
}

/** A difference in its unit, with its sign: "+0.04", "−4.1 points". */
export function signed(value: Maybe, unit: Unit = "number"): string {
  return isKnown(value) ? `${digits(value, unit, true)}${units[unit].suffix}` : unknown;
}

/** An interval, without the unit: "[0.55, 0.69]", for shares "[55, 69]". */
export function interval({ lower, upper }: Ends, unit: Unit = "number", withSign = false): string {
  const end = (value: number) => (isKnown(value) ? digits(value, unit, withSign) : unknown);
  return `[${end(lower)}, ${end(upper)}]`;
}

/** A value with its interval, where it has one: "0.62 [0.55, 0.69]", "62 % [55, 69]". */
export function estimate(
  found: ({ readonly value: number } & Partial<Ends>) | null | undefined,
  unit: Unit = "number",
): string {
  return withInterval(found, unit, false);
}

/** A difference with its interval: "−0.04 [−0.10, +0.02]". */
export function signedEstimate(
  found: ({ readonly value: number } & Partial<Ends>) | null | undefined,
  unit: Unit = "number",
): string {
  return withInterval(found, unit, true);
}

/** A share of counted things: "62 %"; what is nearly none or nearly all is not written as none or all. */
export function percent(share: Maybe): string {
  if (!isKnown(share)) return unknown;
  if (share > 0 && share < 0.005) return "< 1 %";
  if (share < 1 && share >= 0.995) return "> 99 %";
  return `${digits(share, "share")} %`;
}

/** A probability of a model: "0.62"; what is nearly 0 or 1 is not written as 0 or 1. */
export function probability(p: Maybe): string {
  if (!isKnown(p)) return unknown;
  if (p > 0 && p < 0.005) return "< 0.01";
  if (p < 1 && p >= 0.995) return "> 0.99";
  return digits(p, "number");
}

/** A p-value: "0.031", "< 0.001". */
export function pValue(p: Maybe): string {
  if (!isKnown(p)) return unknown;
  return p < 0.001 ? "< 0.001" : rounded(p, 3);
}

/** A setting or a measure whose size is not known beforehand, such as a learning rate: four significant digits. */
export function quantity(value: Maybe): string {
  return isKnown(value) ? withMinus(String(Number(value.toPrecision(4)) || 0)) : unknown;
}

const grouped = new Intl.NumberFormat("en");

/** How many: "12", "1,234". */
export function count(n: Maybe): string {
  return isKnown(n) ? withMinus(grouped.format(n || 0)) : unknown;
}

/** How many of what: "1 prompt", "1,234 prompts"; "categories" and the like are given. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A number of floating-point operations: "1.2e+15". */
export function operations(flops: Maybe): string {
  return isKnown(flops) ? flops.toExponential(1) : unknown;
}

/** A number of parameters as papers give it: "135 M", "1.7 B". */
export function parameterCount(parameters: Maybe): string {
  return scaled(parameters, [
    ["K", 1e3, 0],
    ["M", 1e6, 0],
    ["B", 1e9, 1],
  ]);
}

/** A size of memory or of a file, in powers of ten: "12 kB", "240 MB", "1.6 GB". */
export function byteSize(bytes: Maybe): string {
  return scaled(bytes, [
    ["kB", 1e3, 0],
    ["MB", 1e6, 0],
    ["GB", 1e9, 1],
    ["TB", 1e12, 1],
  ]);
}

/** How long something takes, in its largest units: "40 s", "3 min", "1 h 05 min", "2 d 3 h". */
export function duration(seconds: Maybe): string {
  if (!isKnown(seconds) || seconds < 0) return unknown;
  if (seconds > 0 && seconds < 0.5) return "< 1 s";
  if (Math.round(seconds) < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  const hours = Math.round(seconds / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long one step or one call takes: "0.82 s". */
export function pace(seconds: Maybe): string {
  return isKnown(seconds) ? `${digits(seconds, "number")} s` : unknown;
}

/** The time of a short computation, which may be of any size: "20.4 ms", with three significant digits. */
export function milliseconds(time: Maybe): string {
  return isKnown(time) ? `${Number(time.toPrecision(3))} ms` : unknown;
}

function isKnown(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function digits(value: number, unit: Unit, withSign = false): string {
  const { scale, decimals } = units[unit];
  const size = rounded(Math.abs(scale * value), decimals);
  if (Number(size) === 0) return size;
  return `${value < 0 ? "−" : withSign ? "+" : ""}${size}`;
}

/** Digits of number formats are made once: to make one takes longer than to use it a thousand times. */
const formats = [0, 1, 2, 3].map(
  (decimals) =>
    new Intl.NumberFormat("en", {
      useGrouping: false,
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    }),
);

/** A number rounded as one does on paper: 57.5 to 58, also where a product gave 57.49999999999999. */
function rounded(value: number, decimals: number): string {
  return formats[decimals]!.format(Number(value.toPrecision(12)));
}

function withInterval(
  found: ({ readonly value: number } & Partial<Ends>) | null | undefined,
  unit: Unit,
  withSign: boolean,
): string {
  if (!found || !isKnown(found.value)) return unknown;
  const { value, lower, upper } = found;
  const words = withSign ? signed(value, unit) : figure(value, unit);
  return lower === undefined || upper === undefined
    ? words
    : `${words} ${interval({ lower, upper }, unit, withSign)}`;
}

function withMinus(text: string): string {
  return text.replace(/-/g, "−");
}

/** A size in the largest unit that leaves at least 1 of it, rounded before the unit is chosen: 999.96 MB are 1.0 GB. */
function scaled(
  value: Maybe,
  sizes: readonly (readonly [name: string, size: number, decimals: number])[],
): string {
  if (!isKnown(value) || value < 0) return unknown;
  const inUnits = sizes.map(([name, size, decimals]) => ({ name, text: rounded(value / size, decimals) }));
  const found = inUnits.findLast(({ text }) => Number(text) >= 1) ?? inUnits[0]!;
  // Something is never written as nothing.
  return `${value > 0 && Number(found.text) === 0 ? "1" : found.text} ${found.name}`;
}
