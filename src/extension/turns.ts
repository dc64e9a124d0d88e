/** Does one thing after another: what is asked for while something is done waits for it, however that ends. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** @returns what the work gives, once its turn has come. @throws what the work throws. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn;
    return turn;
  }
}
