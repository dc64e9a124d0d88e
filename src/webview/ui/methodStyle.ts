import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { markShapes } from "./marks.ts";

/** Number of methods that differ in colour and shape; beyond it styles repeat with a dash. */
export const styleCount = markShapes;

/** Methods that every comparison has, in the order of their styles. */
const known: readonly string[] = comparedMethods.map(({ name }) => name);

/**
 * The style of each method, known by its name alone, so that a method has one colour and one shape on every surface:
 * `untrained`, `STL` and `DCR → STL` always have theirs, and others one that follows from their name, unless it is taken by a
 * method before it in the list.
 *
 * @returns for each name the number of its colour (`method-N`) and shape; from `styleCount` on it is drawn dashed.
 */
export function methodStyles(shown: readonly string[]): number[] {
  // One with a problem says so in its name (`markedMethods`), and is the same method.
  const names = shown.map((name) => name.replace(/ \(error\)$/, ""));
  const taken = new Set<number>();
  const styles = new Map<string, number>();
  const take = (name: string, first: number) => {
    let style = first;
    while (taken.has(style)) style = nextOf(style);
    taken.add(style);
    styles.set(name, style);
  };
  for (const name of new Set(names)) if (known.includes(name)) take(name, known.indexOf(name));
  const free = styleCount - known.length;
  for (const name of new Set(names)) {
    if (!styles.has(name)) take(name, known.length + (hashOf(name) % free));
  }
  return names.map((name) => styles.get(name)!);
}

/** The style to try next: through those that no known method has, then all of them dashed. */
function nextOf(style: number): number {
  if (style < styleCount) return style + 1 < styleCount ? style + 1 : styleCount + known.length;
  return style + 1;
}

/** A number that follows from a name. */
function hashOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  return hash;
}
