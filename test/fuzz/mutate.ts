/** Draws of one case, from its seed alone. */
export class Draws {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A number in [0, 1) (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

type Mutation = (bytes: Buffer, draws: Draws) => Buffer;

const pieces = [
  "\0",
  "\uFEFF",
  "\r\n",
  "\r",
  "\n\n",
  '"',
  '""',
  "\\",
  ",",
  "\t",
  "{",
  "}",
  "[",
  "]",
  ":",
  "null",
  "-1",
  "1e999",
  "99999999999999999999",
  "é",
  "\u2028",
  "𝄞",
  "\uFFFD",
  "\\u0000",
  "\\ud800",
  "{%",
  "{{",
  "__proto__",
].map((text) => Buffer.from(text));
pieces.push(Buffer.from([0xff]), Buffer.from([0xe9]), Buffer.from([0xf0, 0x9f]), Buffer.from([0xff, 0xfe]));

const join = (...parts: Uint8Array[]) => Buffer.concat(parts);
const span = (bytes: Buffer, draws: Draws): [number, number] => {
  const from = draws.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + draws.below(1 + draws.below(64)))];
};

/** Mutations of any file. */
const ofBytes: readonly Mutation[] = [
  (bytes, draws) => bytes.subarray(0, draws.below(bytes.length + 1)),
  (bytes, draws) => {
    const at = draws.below(bytes.length + 1);
    return join(bytes.subarray(0, at), draws.one(pieces), bytes.subarray(at));
  },
  (bytes, draws) => {
    const [from, to] = span(bytes, draws);
    return join(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, draws) => {
    const [from, to] = span(bytes, draws);
    const times = draws.one([1, 2, 50, 2000]);
    const repeated = Array.from({ length: times }, () => bytes.subarray(from, to));
    return join(bytes.subarray(0, to), ...repeated, bytes.subarray(to));
  },
  (bytes, draws) => {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    copy[draws.below(copy.length)]! ^= 1 << draws.below(8);
    return copy;
  },
  (bytes, draws) => {
    // A count or a length of a binary file, made huge.
    if (bytes.length < 8) return bytes;
    const copy = Buffer.from(bytes);
    const value = draws.one([0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]);
    copy.writeBigUInt64LE(value, draws.below(Math.min(copy.length - 7, 4096)));
    return copy;
  },
];

/** Mutations of a text: its lines and its encoding. */
const ofText: readonly Mutation[] = [
  (bytes, draws) => lines(bytes, (all) => all.toSpliced(draws.below(all.length), 0, draws.one(all))),
  (bytes, draws) => lines(bytes, (all) => all.toSpliced(draws.below(all.length), 1)),
  (bytes, draws) =>
    lines(bytes, (all) =>
      all.toSpliced(draws.below(all.length), 0, draws.one(["", " ", "x", ",,,", "{}", "[]", '"'])),
    ),
  (bytes, draws) => {
    const [i, j] = [draws.next(), draws.next()];
    return lines(bytes, (all) => {
      const copy = [...all];
      const [a, b] = [Math.floor(i * all.length), Math.floor(j * all.length)];
      [copy[a], copy[b]] = [copy[b]!, copy[a]!];
      return copy;
    });
  },
  (bytes) => Buffer.from(bytes.toString("utf8").replaceAll("\n", "\r\n")),
  (bytes) => Buffer.from(`\uFEFF${bytes.toString("utf8")}`, "utf16le"),
  (bytes) => Buffer.from(bytes.toString("utf8"), "utf16le"),
  (bytes) => Buffer.from(bytes.toString("utf8"), "latin1"),
  () => Buffer.alloc(0),
];

function lines(bytes: Buffer, change: (all: string[]) => string[]): Buffer {
  return Buffer.from(change(bytes.toString("utf8").split("\n")).join("\n"));
}

const values: readonly ((draws: Draws) => unknown)[] = [
  () => null,
  () => true,
  () => "",
  () => "x",
  () => [],
  () => ({}),
  (draws) => draws.one([0, -1, 0.5, 1e9, 2 ** 31, 2 ** 53, 1e308, -1e308]),
  () => "x".repeat(100_000),
  () => "@deep list@",
  () => "@deep object@",
  () => Array.from({ length: 5000 }, (_, i) => i),
  () => "\0",
  () => "\ud800",
  () => "../../etc/passwd",
];

/** Lists inside lists: far more than a stack has room for. */
const DEPTH = 100_000;

/** A mutation of the structure of JSON: a value of another type or size, a key that is gone, unknown or of an object's own. */
function ofValue(root: unknown, draws: Draws): unknown {
  const places: { holder: Record<string, unknown> | unknown[]; key: string | number }[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      places.push({ holder: value as unknown[], key });
      if (places.length < 20_000) walk((value as Record<string | number, unknown>)[key]);
    }
  };
  const copy = structuredClone(root);
  walk(copy);
  if (places.length === 0) return draws.one(values)(draws);
  const { holder, key } = draws.one(places);
  const change = draws.below(4);
  if (Array.isArray(holder)) {
    const at = key as number;
    if (change === 0) holder.splice(at, 1);
    else if (change === 1) holder.splice(at, 0, structuredClone(holder[at]));
    else holder[at] = draws.one(values)(draws);
    return copy;
  }
  if (change === 0) delete holder[key as string];
  else if (change === 1)
    holder[draws.one(["unknown", "constructor", "toString", "", "type"])] = draws.one(values)(draws);
  else holder[key as string] = draws.one(values)(draws);
  return copy;
}

/** What a file is, which says how it can be mutated. */
export type Shape = "bytes" | "text" | "json" | "jsonl";

/** A file with one to three mutations, drawn by the seed. */
export function mutate(bytes: Buffer, shape: Shape, draws: Draws): Buffer {
  let mutated = bytes;
  for (let left = 1 + draws.below(3); left > 0; left--) {
    const kind = draws.next();
    if (shape === "json" && kind < 0.5) mutated = asJson(mutated, draws) ?? mutated;
    else if (shape === "jsonl" && kind < 0.4) {
      mutated = lines(mutated, (all) => {
        const at = draws.below(all.length);
        return all.with(at, asJson(Buffer.from(all[at]!), draws)?.toString() ?? all[at]!);
      });
    } else if (shape !== "bytes" && kind < 0.75) mutated = draws.one(ofText)(mutated, draws);
    else mutated = draws.one(ofBytes)(mutated, draws);
  }
  return mutated;
}

function asJson(bytes: Buffer, draws: Draws): Buffer | undefined {
  try {
    const text = JSON.stringify(ofValue(JSON.parse(bytes.toString("utf8")), draws));
    // Written as text: what makes JSON of values would overflow the stack before any reader does.
    const deep = (open: string, close: string) => `${open.repeat(DEPTH)}1${close.repeat(DEPTH)}`;
    return Buffer.from(
      text
        .replace('"@deep list@"', () => deep("[", "]"))
        .replace('"@deep object@"', () => deep('{"a":', "}")),
    );
  } catch {
    return undefined;
  }
}
