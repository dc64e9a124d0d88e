import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { type Judged, type JudgeInfo, judgedSchema } from "../../../protocol/report/verdicts.ts";
import { appendLines } from "../../../storage/append.ts";
import { sha256 } from "../../../storage/hash.ts";
import type { JudgedAnswer } from "./judge.ts";

const lineSchema = judgedSchema
  .omit({ against: true })
  .extend({ answer: z.string().regex(/^[0-9a-f]{64}$/) });

/** Where verdicts of judges with a model are kept: `DISCERN_VERDICTS`, or `~/.cache/discern/verdicts`. */
function verdictsHome(): string {
  const named = process.env.DISCERN_VERDICTS;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "verdicts");
}

/**
 * Verdicts that a judge has given, on disk: a file for each judge and version, a line for each answer, which is known by a hash
 * of prompt and words; no text is kept. Runs, seeds and methods share it, and a run that is resumed finds what it had. Several
 * processes may append. The first line about an answer holds, so that a verdict never changes.
 */
export class VerdictCache {
  private readonly path: string;
  private readonly known: Map<string, Judged>;
  /** Why verdicts cannot be kept, where they cannot. */
  problem: string | null = null;

  private constructor(path: string, known: Map<string, Judged>) {
    this.path = path;
    this.known = known;
  }

  /** Opens the verdicts of a judge. Lines that are none, as a crash leaves, are skipped. */
  static async open({ id, version }: JudgeInfo): Promise<VerdictCache> {
    const path = join(verdictsHome(), `${id}-${sha256(version).slice(0, 12)}.jsonl`);
    const text = await readFile(path, "utf8").catch(() => "");
    const known = new Map<string, Judged>();
    for (const line of text.split("\n")) {
      const { answer, ...judged } = parsed(line) ?? {};
      if (answer !== undefined && !known.has(answer)) known.set(answer, judged as Judged);
    }
    return new VerdictCache(path, known);
  }

  get(answer: JudgedAnswer): Judged | undefined {
    return this.known.get(keyOf(answer));
  }

  /** Keeps verdicts. Where the disk refuses, they are only remembered, and `problem` says so. */
  async keep(found: readonly (readonly [JudgedAnswer, Judged])[]): Promise<void> {
    const fresh = found.filter(([answer]) => !this.known.has(keyOf(answer)));
    for (const [answer, judged] of fresh) this.known.set(keyOf(answer), judged);
    if (fresh.length === 0 || this.problem !== null) return;
    const lines = fresh.map(([answer, judged]) => JSON.stringify({ answer: keyOf(answer), ...judged }));
    try {
      await mkdir(verdictsHome(), { recursive: true });
      await appendLines(this.path, lines);
    } catch (error) {
      this.problem = `Verdicts cannot be kept in ${this.path}: ${(error as Error).message}. They would be asked for again.`;
    }
  }
}

/** What an answer is known by. */
export function keyOf({ prompt, response, ended, unclosed, opponent }: JudgedAnswer): string {
  return sha256(JSON.stringify([prompt, response, ended, unclosed, opponent ?? null]));
}

function parsed(line: string): z.infer<typeof lineSchema> | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
