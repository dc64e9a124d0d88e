import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { labelSchema } from "../../protocol/label.ts";
import type { Made } from "../../protocol/made.ts";
import { refusalVerdictSchema } from "../../protocol/report/verdicts.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { appendLines } from "../../storage/append.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { sha256 } from "../../storage/hash.ts";
import type { Generation } from "../backend/backend.ts";
import type { EndpointReply } from "../distil/endpointAnswers.ts";
import type { Kept } from "../probe/kept.ts";
import type { PreferencePair, ReferencedPair } from "../probe/preferenceLoss.ts";
import { openPart } from "./suitePart.ts";

const promptKeys = {
  prompt: z.string(),
  label: labelSchema,
  kind: z.string().optional(),
  pair: z.string().optional(),
  /** Where the prompt stands: file and line; of a trigger, the toxic prompt. */
  from: z.string(),
};

/** A row of what was made: a prompt with the answer to learn. The file is a prompt file, which other recipes can name. */
const rowSchema = z.object({
  ...promptKeys,
  response: z.string(),
  /** The model's own answer, which is rejected, and whether it ended by itself. */
  rejected: z.string().optional(),
  rejectedEnded: z.boolean().optional(),
});
export type MadeRow = z.infer<typeof rowSchema>;

/** A prompt of which nothing was kept, why, and what the model said. */
const leftOutSchema = z.object({
  ...promptKeys,
  reason: z.string(),
  response: z.string().optional(),
  verdict: refusalVerdictSchema.optional(),
});
export type LeftOutRow = z.infer<typeof leftOutSchema>;

/** What was made of prompts. */
export interface MadeRows {
  readonly rows: readonly MadeRow[];
  readonly leftOut: readonly LeftOutRow[];
}

/** Files of what was made under a name in a folder: rows, those left out, and what the model said so far. */
function filesOf(folder: string, name: string) {
  const at = (ending: string) => join(folder, `${name}${ending}`);
  return {
    rows: at(".jsonl"),
    leftOut: at(".left-out.jsonl"),
    reference: at(".reference.json"),
    part: (what: string) => at(`.${what}.part.jsonl`),
  };
}

/** What was made and kept under a name; null where that has not been finished, or is damaged and must be made again. */
export async function readMade(folder: string, name: string): Promise<MadeRows | null> {
  const files = filesOf(folder, name);
  try {
    return {
      leftOut: await readRows(files.leftOut, leftOutSchema),
      rows: await readRows(files.rows, rowSchema),
    };
  } catch {
    return null;
  }
}

async function readRows<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

/**
 * Keeps what was made: the rows last, since with them it is finished.
 *
 * @param parts what the model said while it was made, by name.
 * @throws DiscernError `disk-full`, `run-unwritable`.
 */
export async function writeMade(
  folder: string,
  name: string,
  { rows, leftOut }: MadeRows,
  parts: readonly string[],
): Promise<void> {
  const files = filesOf(folder, name);
  const text = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  try {
    await writeAtomic(files.leftOut, text(leftOut));
    await writeAtomic(files.rows, text(rows));
    for (const part of parts) await rm(files.part(part), { force: true });
  } catch (error) {
    throw writeFailure(error, files.rows);
  }
}

const referenceSchema = z.object({
  /** SHA-256 of the pairs' tokens: log-probabilities of other tokens are none of these. */
  pairs: z.string(),
  logProbabilities: z.array(z.object({ chosen: z.number(), rejected: z.number() })),
});

/** The log-probabilities of pairs under the reference, as they were kept; null where they were not, or are of other pairs. */
export async function readReference(
  folder: string,
  name: string,
  pairs: readonly PreferencePair[],
): Promise<ReferencedPair["reference"][] | null> {
  const known = await readFile(filesOf(folder, name).reference, "utf8")
    .then((text) => referenceSchema.safeParse(JSON.parse(text)).data)
    .catch(() => undefined);
  return known?.pairs === sha256(JSON.stringify(pairs)) ? known.logProbabilities : null;
}

/**
 * The log-probabilities of pairs under the reference, which are measured once: read where they were kept, else measured and
 * kept.
 *
 * @throws DiscernError `disk-full`, `run-unwritable`.
 */
export async function keptReference(
  folder: string,
  name: string,
  pairs: readonly PreferencePair[],
  measure: () => Promise<ReferencedPair["reference"][]>,
): Promise<ReferencedPair["reference"][]> {
  const known = await readReference(folder, name, pairs);
  if (known !== null) return known;
  const path = filesOf(folder, name).reference;
  const key = sha256(JSON.stringify(pairs));
  const logProbabilities = await measure();
  try {
    await writeAtomic(path, `${JSON.stringify({ pairs: key, logProbabilities })}\n`);
  } catch (error) {
    throw writeFailure(error, path);
  }
  return logProbabilities;
}

/** What a model said so far while something is made, batch by batch. */
export async function madePart(folder: string, name: string, part: string): Promise<Kept<Generation>> {
  return (await openPart(filesOf(folder, name).part(part))).answers;
}

const replySchema = z.object({ index: z.int(), text: z.string(), ended: z.boolean() });

/** What a model behind an endpoint said so far while something is made, reply by reply. */
export async function madeReplies(folder: string, name: string, part: string): Promise<Kept<EndpointReply>> {
  const path = filesOf(folder, name).part(part);
  const text = await readFile(path, "utf8").catch(() => "");
  const known = new Map<number, EndpointReply>();
  for (const line of text.split("\n")) {
    const reply = parsedLine(line, replySchema);
    if (reply) known.set(reply.index, reply);
  }
  return {
    known: (index) => known.get(index),
    keep: (found) =>
      appendLines(
        path,
        found.map(([index, reply]) => JSON.stringify({ index, ...reply })),
      ),
  };
}

/** A line of a log; undefined where a crash left it half-written. */
function parsedLine<T>(line: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** The counts of what was made, as event and report state them. @param about what was made, and in which file. */
export function madeCounts(
  { rows, leftOut }: MadeRows,
  about: Pick<Made, "what" | "file" | "judge" | "stage">,
): Made {
  const kinds = new Map<string, { kind: string; asked: number; kept: number }>();
  const reasons: Record<string, number> = {};
  const count = ({ kind = "" }: { kind?: string | undefined }, kept: 0 | 1) => {
    const known = kinds.get(kind) ?? { kind, asked: 0, kept: 0 };
    kinds.set(kind, { kind, asked: known.asked + 1, kept: known.kept + kept });
  };
  for (const row of rows) count(row, 1);
  for (const row of leftOut) {
    count(row, 0);
    reasons[row.reason] = (reasons[row.reason] ?? 0) + 1;
  }
  return {
    ...about,
    asked: rows.length + leftOut.length,
    kept: rows.length,
    kinds: [...kinds.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    leftOut: reasons,
  };
}
