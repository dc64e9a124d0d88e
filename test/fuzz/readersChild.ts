import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formats } from "./formats.ts";
import { Draws, mutate } from "./mutate.ts";

/** What the child is asked: cases `from` to `to` of a format, each drawn by its own number. */
export interface Work {
  readonly format: string;
  readonly from: number;
  readonly to: number;
}

/** What it says: that a case begins, what was wrong with one, and that all are done. */
export type Told =
  | { readonly begins: number }
  | { readonly case: number; readonly fault: string }
  | { readonly done: true };

/** Seconds of the processor that reading a small file may take. */
const MOST_SECONDS = 5;

const tell = (told: Told) => process.send!(told);

process.on("message", async ({ format, from, to }: Work) => {
  const { write, read, shape } = formats.find(({ name }) => name === format)!;
  const root = mkdtempSync(join(tmpdir(), "discern-fuzz-"));
  try {
    const valid = join(root, "valid");
    cpSync(import.meta.dirname, valid, { recursive: true, filter: (path) => path === import.meta.dirname });
    const file = await write(valid);
    const bytes = readFileSync(join(valid, file));
    // What is not mutated must be read: a reader that refuses everything would lose nothing.
    await read(valid, bytes);
    for (let seed = from; seed < to; seed++) {
      tell({ begins: seed });
      const folder = join(root, String(seed));
      cpSync(valid, folder, { recursive: true });
      const mutated = mutate(bytes, shape, new Draws(seed));
      writeFileSync(join(folder, file), mutated);
      const before = process.cpuUsage();
      try {
        await read(folder, mutated);
      } catch (error) {
        if (!(error instanceof Error && error.name === "DiscernError")) {
          tell({ case: seed, fault: error instanceof Error ? `${error.stack}` : String(error) });
        }
      }
      const { user, system } = process.cpuUsage(before);
      if ((user + system) / 1e6 > MOST_SECONDS)
        tell({ case: seed, fault: `took ${(user + system) / 1e6} s` });
      rmSync(folder, { recursive: true });
    }
    tell({ done: true });
  } catch (error) {
    tell({ case: -1, fault: `the file without mutations: ${(error as Error).stack}` });
    tell({ done: true });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
