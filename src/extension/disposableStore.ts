/** What holds on to something until it is disposed, as `vscode.Disposable` does. */
export interface Disposable {
  dispose(): unknown;
}

/**
 * Owns what must be disposed together: listeners, watchers, emitters, timers. VS Code's own sources use the same idea under the
 * same name. A class that holds anything has one store, adds to it where the thing is made, and disposes of the store alone.
 *
 * What is added after the store was disposed is disposed at once. Work that is under way when a window closes or an
 * extension is disabled can therefore register what it made without asking whether it came too late.
 */
export class DisposableStore implements Disposable {
  private readonly held = new Set<Disposable>();
  private disposed = false;

  /** Takes something over and returns it. */
  add<T extends Disposable>(one: T): T {
    if (this.disposed) one.dispose();
    else this.held.add(one);
    return one;
  }

  /**
   * Disposes of everything held and stays open for more. What was added last goes first, since it may use what was there
   * before it.
   *
   * @throws the error of a disposal that failed, or an AggregateError of several, after all the others were disposed.
   */
  clear(): void {
    const held = [...this.held].reverse();
    this.held.clear();
    const errors: unknown[] = [];
    for (const one of held) {
      try {
        one.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "Several disposals failed.");
  }

  /** Disposes of everything held, and from now on of everything added. @throws as `clear`. */
  dispose(): void {
    this.disposed = true;
    this.clear();
  }
}
