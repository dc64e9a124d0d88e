import type { Program } from "./program.ts";

/** A program that is being compiled or is there. */
interface Entry {
  readonly program: Promise<Program>;
  compiled: boolean;
}

/**
 * Compiled graphs by bucket of shapes, the least recently used dropped first. A 30-layer training step takes
 * seconds to compile and holds tens of megabytes, so their number is bounded.
 */
export class ProgramCache {
  private readonly limit: number;
  private readonly entries = new Map<string, Entry>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * The program of `key`, compiled by `make` when there is none yet. A failed compilation is not kept, and fails only
   * for those who asked for this key.
   */
  async get(key: string, make: () => Promise<Program>): Promise<Program> {
    const known = this.entries.get(key);
    if (known) {
      this.entries.delete(key);
      this.entries.set(key, known);
      return known.program;
    }
    const entry: Entry = { program: make(), compiled: false };
    this.entries.set(key, entry);
    entry.program.then(
      () => {
        entry.compiled = true;
      },
      () => {
        // After a `dispose` the key may belong to a later compilation.
        if (this.entries.get(key) === entry) this.entries.delete(key);
      },
    );
    await this.evict();
    return entry.program;
  }

  /** Frees every program. One that is still being compiled is freed once it is there. */
  async dispose(): Promise<void> {
    const entries = [...this.entries.values()];
    this.entries.clear();
    for (const { program } of entries) await free(program);
  }

  /**
   * Frees the least recently used programs beyond the limit. One that is being compiled is not among them: whoever
   * waits for it would be given a program that is gone.
   */
  private async evict(): Promise<void> {
    let excess = this.entries.size - this.limit;
    for (const [key, { program, compiled }] of this.entries) {
      if (excess <= 0) break;
      if (!compiled) continue;
      excess--;
      this.entries.delete(key);
      await free(program);
    }
  }
}

/** Disposes of a program. That its compilation failed concerns those who asked for it, and there is nothing to free. */
async function free(program: Promise<Program>): Promise<void> {
  const compiled = await program.catch(() => null);
  await compiled?.dispose();
}
