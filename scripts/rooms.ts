import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dirname, "..");
const begin = "<!-- rooms: drawn by `npm run docs` from the imports in src -->";
const end = "<!-- /rooms -->";

/** Room that a source file belongs to: a folder of `src`, inside the engine a folder of `src/engine`. */
export function roomOf(file: string): string {
  const [top, second, third] = file.split("/") as [string, string, string?];
  if (top !== "engine") return top;
  // The interface, its implementation, and what chooses and opens one of them.
  if (second === "backend" && third === "onnx") return "backend/onnx";
  if (second === "backend" && /^(open\.ts|deviceChoice)$/.test(third!)) return "backend/open";
  return second.includes(".") ? "commands" : second;
}

/** Which rooms import which, read from the sources, type-only imports included. */
export function roomImports(): Map<string, Set<string>> {
  const source = join(root, "src");
  const found = new Map<string, Set<string>>();
  for (const file of globSync("**/*.{ts,tsx}", { cwd: source })) {
    const from = roomOf(file);
    const imports = found.get(from) ?? new Set();
    found.set(from, imports);
    const text = readFileSync(join(source, file), "utf8");
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?"(\.{1,2}\/[^"]+)"/g)) {
      const imported = relative(source, join(source, dirname(file), target!));
      if (!imported.startsWith("..") && roomOf(imported) !== from) imports.add(roomOf(imported));
    }
  }
  return found;
}

/**
 * The fewest edges from which every import follows: an edge is left out where a longer way leads to the same room.
 *
 * @throws Error when rooms import each other in a circle.
 */
export function reduced(imports: ReadonlyMap<string, ReadonlySet<string>>): [from: string, to: string][] {
  const reach = new Map<string, Set<string>>();
  const visit = (room: string, path: readonly string[]): Set<string> => {
    if (path.includes(room)) throw new Error(`Rooms import each other: ${[...path, room].join(" → ")}`);
    const known = reach.get(room);
    if (known) return known;
    const all = new Set<string>();
    for (const next of imports.get(room) ?? []) {
      all.add(next);
      for (const further of visit(next, [...path, room])) all.add(further);
    }
    reach.set(room, all);
    return all;
  };
  for (const room of imports.keys()) visit(room, []);
  return [...imports]
    .flatMap(([from, direct]) =>
      [...direct]
        .filter((to) => ![...direct].some((other) => other !== to && reach.get(other)!.has(to)))
        .map((to): [string, string] => [from, to]),
    )
    .sort(([a, b], [c, d]) => (a + b < c + d ? -1 : 1));
}

/** The document with the drawing of the rooms made anew. @throws Error when it has no place for it. */
export function withRooms(text: string): string {
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`The document lacks "${begin}" or "${end}".`);
  return `${text.slice(0, start)}${begin}\n\n${drawing()}\n\n${text.slice(stop)}`;
}

function drawing(): string {
  const imports = roomImports();
  const engine = globSync("src/engine/*/", { cwd: root }).map((folder) => relative("src/engine", folder));
  const inside = [...imports.keys()].filter((room) => engine.includes(room) || room.startsWith("backend/"));
  const node = (room: string) => (room.includes("/") ? `${room.replace("/", "_")}["${room}"]` : room);
  const edges = Map.groupBy(reduced(imports), ([from]) => from);
  return [
    "```mermaid",
    "graph TD",
    "  subgraph engine",
    `    ${inside.sort().map(node).join(" & ")}`,
    "  end",
    ...[...edges].map(
      ([from, pairs]) => `  ${node(from)} --> ${pairs.map(([, to]) => node(to)).join(" & ")}`,
    ),
    "```",
  ].join("\n");
}
