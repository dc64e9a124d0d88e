import { access, readFile, rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { findNodeAtLocation, type ParseError, parseTree } from "jsonc-parser";
import { DiscernError } from "../protocol/errors.ts";
import { type Layout, layoutEnding, layoutSchema } from "../protocol/source.ts";
import { writeAtomic } from "../storage/atomic.ts";
import { decodeText, NotText } from "../storage/text.ts";

/** Path of the layout that lies beside a prompt file where a person chose one. */
export function layoutPath(promptFile: string): string {
  return promptFile + layoutEnding;
}

/**
 * The layout that a person chose for a prompt file; an empty one where nobody did.
 *
 * @throws DiscernError "layout-invalid", with line and key, where it is no layout or cannot be read.
 */
export async function readLayout(promptFile: string): Promise<Layout> {
  const path = layoutPath(promptFile);
  try {
    return parseLayout(decodeText(await readFile(path)), path);
  } catch (cause) {
    if (cause instanceof DiscernError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    const line = cause instanceof NotText ? `:${cause.line}` : "";
    throw invalid(`${path}${line}: the layout cannot be read: ${(cause as Error).message}`, cause);
  }
}

function parseLayout(text: string, path: string): Layout {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const lineOf = (offset: number) => text.slice(0, offset).split("\n").length;
  if (!tree || errors.length > 0) throw invalid(`${path}:${lineOf(errors[0]?.offset ?? 0)}: not JSON`);
  const found = layoutSchema.safeParse(JSON.parse(text));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const keys = [...issue!.path, ...(issue!.code === "unrecognized_keys" ? [issue!.keys[0]!] : [])].map(
    (key) => (typeof key === "symbol" ? String(key) : key),
  );
  const node = findNodeAtLocation(tree, keys) ?? tree;
  const key = keys.length === 0 ? "" : `"${keys.join(".")}": `;
  throw invalid(`${path}:${lineOf(node.offset)}: ${key}${issue!.message}`);
}

function invalid(what: string, cause?: unknown): DiscernError {
  return new DiscernError(
    "layout-invalid",
    `${what.replace(/\.$/, "")}. Choose the columns of the prompt file again, or correct or delete the layout.`,
    { cause },
  );
}

/**
 * Keeps the layout that a person chose for a prompt file; an empty one takes the file away.
 *
 * @throws DiscernError "layout-unwritable" where the folder cannot be written to.
 */
export async function writeLayout(promptFile: string, layout: Layout): Promise<void> {
  const path = layoutPath(promptFile);
  const { columns = {}, labelValues = {}, ...rest } = layoutSchema.parse(layout);
  const whole: Layout = {
    ...rest,
    ...(Object.keys(columns).length > 0 && { columns }),
    ...(Object.keys(labelValues).length > 0 && { labelValues }),
  };
  try {
    if (Object.keys(whole).length === 0) await rm(path, { force: true });
    else await writeAtomic(path, `${JSON.stringify(whole, null, 2)}\n`);
  } catch (cause) {
    throw new DiscernError(
      "layout-unwritable",
      `The layout ${path} cannot be written: ${(cause as Error).message}. Make its folder writable.`,
      { cause },
    );
  }
}

/**
 * Moves the layout of a prompt file that was renamed or moved. A layout that lies at the new place already stays, and so does the other.
 *
 * @returns whether there was one to move
 * @throws DiscernError "layout-unwritable", and the layout is then where it was.
 */
export async function moveLayout(from: string, to: string): Promise<boolean> {
  const [source, target] = [layoutPath(from), layoutPath(to)];
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  if (source === target || !(await isThere(source)) || (await isThere(target))) return false;
  try {
    await rename(source, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EXDEV") throw error;
      // Nothing is renamed from one disk to another.
      await writeAtomic(target, await readFile(source));
      await rm(source);
    });
    return true;
  } catch (cause) {
    const message = `The layout ${source} cannot be moved to ${target}: ${(cause as Error).message}. Move it by hand.`;
    throw new DiscernError("layout-unwritable", message, { cause });
  }
}

/** The parts of a layout, as a message about one of its columns names them. */
export function placeInLayout(promptFile: string, role: string): string {
  return `"columns.${role}" of ${basename(layoutPath(promptFile))}`;
}
