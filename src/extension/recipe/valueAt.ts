import { getLocation } from "jsonc-parser";

/** A value of a JSON text that is being typed: its path, and the text that stands for it so far. */
export interface TypedValue {
  readonly path: readonly (string | number)[];
  /** With its quotes; of no length where there is none. */
  readonly offset: number;
  readonly length: number;
}

/** The value at a place of a JSON text, whole or not; null at a key. */
export function valueAt(text: string, offset: number): TypedValue | null {
  const { path, previousNode, isAtPropertyKey } = getLocation(text, offset);
  if (isAtPropertyKey) return null;
  const typed = previousNode?.type === "string" ? previousNode : { offset, length: 0 };
  return { path, offset: typed.offset, length: typed.length };
}

/** A name that can stand at a value. */
export interface Suggestion {
  readonly name: string;
  readonly description: string;
}
