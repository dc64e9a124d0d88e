/** `npm run docs`: draws the tables of docs/formats.md anew from the schemas. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTables } from "./tables.ts";

const file = join(import.meta.dirname, "../docs/formats.md");
await writeFile(file, withTables(await readFile(file, "utf8")));
