/** Lays a chart out, and says how it is then painted. */
type LayOut = () => () => void;

/**
 * Draws charts when the browser wants a frame: one frame lays one chart out and the next paints it, so that each has room
 * to spare and the page stays fluent with however many. Each is drawn once though it was asked for often.
 */
export class FrameQueue {
  private readonly waiting = new Map<object, LayOut>();
  /** Laid out, and painted in the next frame. */
  private laidOut: { readonly what: object; readonly paint: () => void } | null = null;
  private asked = false;

  /** @param what stands for the chart; a later request for it replaces an earlier one, in its place. */
  request(what: object, layOut: LayOut): void {
    this.waiting.set(what, layOut);
    this.ask();
  }

  cancel(what: object): void {
    this.waiting.delete(what);
    if (this.laidOut?.what === what) this.laidOut = null;
  }

  private ask(): void {
    if (this.asked || (this.waiting.size === 0 && this.laidOut === null)) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      const [next] = this.waiting;
      if (this.laidOut) {
        const { paint } = this.laidOut;
        this.laidOut = null;
        paint();
      } else if (next) {
        const [what, layOut] = next;
        this.waiting.delete(what);
        this.laidOut = { what, paint: layOut() };
      }
      this.ask();
    });
  }
}
