import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { appendLines } from "../../storage/append.ts";
import type { SuitePart } from "../evaluate/answers.ts";
import type { Kept } from "../probe/kept.ts";

const index = z.int().nonnegative();
/** One batch a line; prompts are known by their index in the suite, which neither recipe nor data can change in a run. */
const lineSchema = z.discriminatedUnion("of", [
  z.object({
    of: z.literal("scores"),
    found: z.array(
      z.tuple([
        index,
        z.object({ probability: z.number(), logOdds: z.number(), entropy: z.number().optional() }),
      ]),
    ),
  }),
  z.object({
    of: z.literal("effects"),
    found: z.array(
      z.tuple([
        index,
        z.object({
          change: z.number(),
          kl: z.number(),
          unsteeredLogOdds: z.number(),
          decision: z.number().optional(),
          score: z.number().optional(),
        }),
      ]),
    ),
  }),
  z.object({
    of: z.enum(["answers", "samples"]),
    found: z.array(z.tuple([index, z.object({ ids: z.array(z.int()), ended: z.boolean() })])),
  }),
  z.object({ of: z.literal("choices"), found: z.array(z.tuple([index, z.array(z.number())])) }),
]);

type Line = z.infer<typeof lineSchema>;

/** The file of a suite that is answered in part. @param place folder of the method's answers */
export function partPath(place: string, suite: string): string {
  return join(place, `${suite}.part.jsonl`);
}

/** Reads what was kept of a suite that was cut off; a line that a crash left half-written is skipped. */
export async function openPart(path: string): Promise<SuitePart> {
  const text = await readFile(path, "utf8").catch(() => "");
  const lines = text.split("\n").flatMap((line) => parsed(line) ?? []);
  const keptOf = <T>(of: Line["of"], known: Map<number, T>): Kept<T> => ({
    known: (i) => known.get(i),
    keep: (found) => appendLines(path, [JSON.stringify({ of, found })]),
  });
  const written = (of: "answers" | "samples") =>
    keptOf(of, new Map(lines.flatMap((line) => (line.of === of ? line.found : []))));
  return {
    scores: keptOf("scores", new Map(lines.flatMap((line) => (line.of === "scores" ? line.found : [])))),
    effects: keptOf("effects", new Map(lines.flatMap((line) => (line.of === "effects" ? line.found : [])))),
    answers: written("answers"),
    samples: written("samples"),
    choices: keptOf("choices", new Map(lines.flatMap((line) => (line.of === "choices" ? line.found : [])))),
  };
}

function parsed(line: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
