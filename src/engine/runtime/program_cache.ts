import type { Program } from "./program.ts";

/**
 * Compiled graphs by bucket of shapes, the least recently used dropped first. A 30-layer training step takes
 * seconds to compile and holds tens of megabytes, so their number is bounded.
 */
export class ProgramCache {
  private readonly limit: number;
  private readonly programs = new Map<string, Promise<Program>>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** The program of `key`, compiled by `make` when there is none yet. A failed compilation is not kept. */
  async get(key: string, make: () => Promise<Program>): Promise<Program> {
    const known = this.programs.get(key);
    if (known) {
      this.programs.delete(key);
      this.programs.set(key, known);
      return known;
    }
    const made = make();
    this.programs.set(key, made);
    made.catch(() => this.programs.delete(key));
    for (const [oldest, program] of this.programs) {
      if (this.programs.size <= this.limit) break;
      this.programs.delete(oldest);
      await (await program).dispose();
    }
    return made;
  }

  /** Frees every program. */
  async dispose(): Promise<void> {
    const programs = [...this.programs.values()];
    this.programs.clear();
    for (const program of programs) await (await program).dispose();
  }
}
