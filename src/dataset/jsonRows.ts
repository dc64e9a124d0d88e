import { DiscernError } from "../protocol/errors.ts";
import { type Texts, wholeText } from "./chunks.ts";
import { isObject, ObjectRows, type RowSink } from "./sink.ts";

/**
 * Reads a JSON file: a list of records or of prompts, or lists side by side (`{instructions: […], inputs: […]}`). The
 * file is read whole: JSON means nothing before its last bracket. A row's line is its number.
 *
 * @throws DiscernError "dataset-unreadable" when it is not JSON, or neither of these, or when the lists differ in length.
 */
export async function readJson(texts: Texts, sink: RowSink, file: string): Promise<void> {
  const text = await wholeText(texts, file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    const message = `${file} is not JSON: ${(cause as Error).message}`;
    throw new DiscernError("dataset-unreadable", message, { cause });
  }
  checkLengths(content, file);
  const list = listOf(content);
  if (list === undefined) {
    throw new DiscernError(
      "dataset-unreadable",
      `${file} holds neither a list of records nor {"instructions": […], "inputs": […]}.`,
    );
  }
  const rows = new ObjectRows(sink);
  for (const [i, item] of list.entries()) rows.add(i + 1, item);
  rows.end();
}

/** The rows of a JSON file's content, or of what is there of it; undefined where it is no table. */
export function listOf(content: unknown): unknown[] | undefined {
  if (isObject(content)) return transpose(content);
  if (!Array.isArray(content)) return undefined;
  return content.map((item) => (typeof item === "string" ? { prompt: item } : item));
}

/** Safety-Tuned LLaMAs keep columns, not rows: `{instructions: […], inputs: […]}`. Undefined for other objects. */
function transpose(content: Record<string, unknown>): Record<string, unknown>[] | undefined {
  const { instructions } = content;
  if (!Array.isArray(instructions)) return undefined;
  const columns = listsOf(content);
  const singular: Record<string, string> = {
    instructions: "instruction",
    inputs: "input",
    outputs: "output",
  };
  return instructions.map((_, i) =>
    Object.fromEntries(columns.map(([name, list]) => [singular[name] ?? name, list[i]])),
  );
}

/** @throws DiscernError "dataset-unreadable" for lists side by side of which one is shorter than the others. */
function checkLengths(content: unknown, file: string): void {
  if (!isObject(content) || !Array.isArray(content.instructions)) return;
  const { length } = content.instructions;
  // An empty list is a column that no row has: I-MaliciousInstructions.json has no inputs.
  const other = listsOf(content).find(([, list]) => list.length !== length && list.length > 0);
  if (other === undefined) return;
  throw new DiscernError(
    "dataset-unreadable",
    `${file}: the list ${JSON.stringify(other[0])} has ${other[1].length} values and "instructions" has ${length}, so ` +
      "their rows are unknown. Make them equally long.",
  );
}

function listsOf(content: Record<string, unknown>): [name: string, list: unknown[]][] {
  return Object.entries(content).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
}
