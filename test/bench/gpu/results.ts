import { join } from "node:path";
import { median } from "simple-statistics";
import { writeAtomic } from "../../../src/storage/atomic.ts";
import { digits, table } from "../table.ts";

/** What was measured of a task on a shape, done by one side. */
export interface Figure {
  readonly shape: string;
  readonly side: string;
  readonly task: string;
  readonly seconds: readonly number[];
  /** Loading, where this task was the first of its process, and the runs in which compilers work. */
  readonly warmUpSeconds: number;
  readonly tokens: number;
  readonly operations: number;
  /** Most memory in use on the card, less what was in use before; null where the card does not tell. */
  readonly deviceBytes: number | null;
  /** Most memory of the processes' own, without mapped files; null where the system does not tell. */
  readonly hostBytes: number | null;
}

/** Something that must hold, such as that no node ran on the CPU. */
export interface Check {
  readonly name: string;
  readonly found: string;
  readonly wanted: string;
  readonly holds: boolean;
}

/** A part that did not come to its end; rows that it had measured stand. */
export interface Failure {
  readonly part: string;
  readonly message: string;
}

/** Everything found so far. */
export interface Found {
  /** The machine, by name of the fact. */
  readonly machine: Record<string, string>;
  /** The card's peak of bf16 matrix products, measured, in operations a second. */
  peak: number | null;
  readonly figures: Figure[];
  readonly checks: Check[];
  readonly failures: Failure[];
}

/**
 * Results that are on disk as soon as they are known, so that a check that is cut off has lost nothing: gpu-check.json,
 * and the same as tables in gpu-check.md.
 */
export class Results {
  readonly found: Found = { machine: {}, peak: null, figures: [], checks: [], failures: [] };
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async fact(name: string, value: string): Promise<void> {
    this.found.machine[name] = value;
    await this.write();
  }

  async peak(operationsPerSecond: number): Promise<void> {
    this.found.peak = operationsPerSecond;
    await this.write();
  }

  async figure(figure: Figure): Promise<void> {
    this.found.figures.push(figure);
    await this.write();
  }

  async check(check: Check): Promise<void> {
    this.found.checks.push(check);
    await this.write();
  }

  async failure(failure: Failure): Promise<void> {
    this.found.failures.push(failure);
    await this.write();
  }

  private async write(): Promise<void> {
    await writeAtomic(join(this.folder, "gpu-check.json"), `${JSON.stringify(this.found, null, 2)}\n`);
    await writeAtomic(join(this.folder, "gpu-check.md"), `${markdown(this.found)}\n`);
  }
}

/** What was found as Markdown: the machine, the figures, what must hold, and what could not be measured. */
export function markdown({ machine, peak, figures, checks, failures }: Found): string {
  const facts = Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`);
  const columns = [
    "shape",
    "task",
    "side",
    "s",
    "tokens/s",
    "share of the peak",
    "card, GB",
    "host, GB",
    "warm-up, s",
  ];
  // What is to be compared stands together: sides of a task below one another.
  const place = (one: Figure) =>
    figures.findIndex(({ shape, task }) => shape === one.shape && task === one.task);
  const rows = [...figures]
    .sort((a, b) => place(a) - place(b))
    .map((one) => {
      const seconds = median([...one.seconds]);
      const share = peak ? one.operations / seconds / peak : null;
      return [
        one.shape,
        one.task,
        one.side,
        `${digits(seconds)} (${digits(Math.min(...one.seconds))}–${digits(Math.max(...one.seconds))})`,
        String(Math.round(one.tokens / seconds)),
        share === null ? "" : `${(100 * share).toPrecision(2)} %`,
        gigabytes(one.deviceBytes),
        gigabytes(one.hostBytes),
        digits(one.warmUpSeconds),
      ];
    });
  const held = checks.map(({ name, found, wanted, holds }) => [
    name,
    found,
    wanted,
    holds ? "yes" : "**no**",
  ]);
  // The file in JSON has the whole message, with the place in the code.
  const failed = failures.map(({ part, message }) => [
    part,
    message.split("\n")[0]!.slice(0, 400).replaceAll("|", "\\|"),
  ]);
  return [
    facts.join("\n"),
    ...(rows.length ? [table(columns, rows)] : []),
    ...(held.length ? [table(["check", "found", "wanted", "holds"], held)] : []),
    ...(failed.length ? [table(["not measured", "why"], failed)] : []),
  ].join("\n\n");
}

const gigabytes = (bytes: number | null) => (bytes === null ? "" : (bytes / 1e9).toFixed(2));
