import { setImmediate as breathe } from "node:timers/promises";

/**
 * Work that can be cut off between two units of it, such as the runs of a graph: before each the event loop turns, so that
 * signals and messages are heard, and every check in force is asked.
 */
export class Interruption {
  private check: (() => void) | null = null;

  /**
   * Does work under a check, and under those that are in force already.
   *
   * @param check throws to end the work.
   * @throws what `check` and `work` throw.
   */
  async during<T>(check: () => void, work: () => Promise<T>): Promise<T> {
    const outer = this.check;
    this.check = () => {
      outer?.();
      check();
    };
    try {
      return await work();
    } finally {
      this.check = outer;
    }
  }

  /** To be awaited before each unit. @throws what ends the work. */
  async pause(): Promise<void> {
    if (this.check === null) return;
    await breathe();
    this.check?.();
  }
}
