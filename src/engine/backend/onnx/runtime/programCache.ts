import { LRUCache } from "lru-cache";

/** What a cache frees. */
interface Disposable {
  dispose(): Promise<void>;
}

/**
 * Compiled graphs by bucket of shapes, the least recently used dropped first. A 30-layer training step takes
 * seconds to compile and holds tens of megabytes, so their number is bounded.
 */
export class ProgramCache<P extends Disposable> {
  private readonly limit: number;
  private readonly compiled: LRUCache<string, P>;
  /** Compilations under way. They are not among the programs that can be dropped: somebody waits for each of them. */
  private readonly compiling = new Map<string, Promise<P>>();
  /** Programs that are being freed. */
  private freeing: Promise<void>[] = [];

  constructor(limit: number) {
    this.limit = limit;
    this.compiled = new LRUCache({
      max: limit,
      dispose: (program) => {
        const freeing = program.dispose();
        // Its error is thrown where it is waited for.
        freeing.catch(() => undefined);
        this.freeing.push(freeing);
      },
    });
  }

  /**
   * The program of `key`, compiled by `make` when there is none yet. A failed compilation is not kept, and fails only
   * for those who asked for this key.
   */
  async get(key: string, make: () => Promise<P>): Promise<P> {
    const known = this.compiled.get(key) ?? this.compiling.get(key);
    if (known) return known;
    // Room is made before the compilation, so that no more than the limit is held at any time.
    if (this.compiled.size + this.compiling.size >= this.limit) this.compiled.pop();
    const compiling = make();
    this.compiling.set(key, compiling);
    compiling.then(
      (program) => {
        // After a `dispose` the program belongs to nobody but those who waited for it.
        if (this.compiling.get(key) !== compiling) return;
        this.compiling.delete(key);
        this.compiled.set(key, program);
      },
      () => {
        if (this.compiling.get(key) === compiling) this.compiling.delete(key);
      },
    );
    await this.freed();
    return compiling;
  }

  /** Frees every program. One that is still being compiled is freed once it is there. */
  async dispose(): Promise<void> {
    const compiling = [...this.compiling.values()];
    this.compiling.clear();
    this.compiled.clear();
    // That a compilation failed concerns those who asked for it, and there is nothing to free.
    for (const each of compiling) await each.then((program) => program.dispose()).catch(() => undefined);
    await this.freed();
  }

  /** Waits for the programs that were dropped. @throws the error of one that could not be freed. */
  private async freed(): Promise<void> {
    await Promise.all(this.freeing.splice(0));
  }
}
