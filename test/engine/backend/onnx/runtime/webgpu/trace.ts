import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

/** Which operators of a traced graph ran where: execution provider → operator → number of nodes. */
export type GraphTrace = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The entries of a trace by onnxruntime that matter here: one per run of a node's kernel. */
const traceSchema = z.array(
  z.looseObject({
    cat: z.string().optional(),
    name: z.string().optional(),
    args: z.looseObject({ op_name: z.string().optional(), provider: z.string().optional() }).optional(),
  }),
);

/**
 * Reads the traces that a device opened with `profile` has written, one for each graph: every node by the provider whose
 * kernel computed it. Copies between host and device are nodes too (MemcpyToHost, MemcpyFromHost).
 *
 * @throws Error when a trace is not onnxruntime's.
 */
export async function traces(profile: string): Promise<GraphTrace[]> {
  const found: GraphTrace[] = [];
  for (const file of await readdir(profile)) {
    const counts: Record<string, Record<string, number>> = {};
    const trace = traceSchema.parse(JSON.parse(await readFile(join(profile, file), "utf8")));
    const seen = new Set<string>();
    for (const { cat, name = "", args } of trace) {
      const { op_name: operator, provider } = args ?? {};
      // A program that ran several times has several entries for each node.
      if (cat !== "Node" || !operator || !provider || seen.has(name)) continue;
      seen.add(name);
      counts[provider] ??= {};
      counts[provider][operator] = (counts[provider][operator] ?? 0) + 1;
    }
    found.push(counts);
  }
  return found;
}
