/** `npm run docs`: draws the tables of docs/formats.md anew from the schemas, and the rooms in ARCHITECTURE.md from the imports. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withRooms } from "./rooms.ts";
import { withTables } from "./tables.ts";

for (const [name, drawn] of [
  ["docs/formats.md", withTables],
  ["docs/judges.md", withTables],
  ["ARCHITECTURE.md", withRooms],
] as const) {
  const file = join(import.meta.dirname, "..", name);
  await writeFile(file, drawn(await readFile(file, "utf8")));
}
