/**
 * Draws charts when the browser wants a frame, one a frame: drawing and painting one leaves the frame room to spare,
 * so the page stays fluent with however many. Each is drawn once though it was asked for often.
 */
export class FrameQueue {
  private readonly waiting = new Map<object, () => void>();
  private asked = false;

  /** @param what stands for the chart; a later request for it replaces an earlier one, in its place. */
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
      const [next] = this.waiting;
      if (next) {
        const [what, draw] = next;
        this.waiting.delete(what);
        draw();
      }
      this.ask();
    });
  }
}
