/** Milliseconds of a frame that drawing may take; the rest is the browser's. */
const budgetMs = 8;

/**
 * Draws what is to be drawn when the browser wants a frame. Each thing is drawn once a frame however often it was asked
 * for, and what does not fit into one frame waits for the next, so that the page stays fluent with many charts.
 */
export class FrameQueue {
  private readonly waiting = new Map<object, () => void>();
  private asked = false;

  /** @param what stands for the thing; a later request for it replaces an earlier one. */
  request(what: object, draw: () => void): void {
    this.waiting.set(what, draw);
    this.ask();
  }

  cancel(what: object): void {
    this.waiting.delete(what);
  }

  private ask(): void {
    if (this.asked || this.waiting.size === 0) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      const start = performance.now();
      for (const [what, draw] of this.waiting) {
        this.waiting.delete(what);
        draw();
        if (performance.now() - start > budgetMs) break;
      }
      this.ask();
    });
  }
}
