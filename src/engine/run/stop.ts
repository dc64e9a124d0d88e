/** A wish that a run stops: after the step it is at while it trains, else within one batch. */
export interface StopToken {
  readonly requested: boolean;
  /**
   * With `requested`: the stage ends at its best state instead of where it is, later stages are left out, and the run
   * is concluded with its evaluation.
   */
  readonly keepBest?: boolean;
}

/** What ends work that a stop cuts off before it is done. */
export class Stopped extends Error {
  override readonly message = "The work was stopped.";
}

/** @throws Stopped when a stop was asked for. */
export function throwIfStopped({ requested }: StopToken): void {
  if (requested) throw new Stopped();
}

/** Milliseconds between two looks at a stop token on behalf of a signal. */
const lookEvery = 100;

/** Does work that waits on other things than a model, with a signal that a stop sets. @throws Stopped, and what `work` throws. */
export async function withStopSignal<T>(
  stop: StopToken,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const look = () => stop.requested && controller.abort(new Stopped());
  look();
  const timer = setInterval(look, lookEvery);
  try {
    return await work(controller.signal);
  } finally {
    clearInterval(timer);
  }
}

/** A stop token that is set by hand. */
export class Stop implements StopToken {
  requested = false;
  keepBest = false;

  /** The latest wish holds: who asked for the best may still ask for an end at once. */
  request({ keepBest = false }: { keepBest?: boolean } = {}): void {
    this.requested = true;
    this.keepBest = keepBest;
  }
}

/** One token of several: what any of them asks for; a plain stop outweighs the wish to keep the best. */
export function anyStop(...tokens: readonly StopToken[]): StopToken {
  return {
    get requested() {
      return tokens.some(({ requested }) => requested);
    },
    get keepBest() {
      return tokens.every(({ requested, keepBest = false }) => !requested || keepBest);
    },
  };
}

/** Signals that ask a run to stop: from the keyboard, from another process, and from a terminal that is closed. */
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Milliseconds within which a signal is the same wish as the one before: npm passes on what the terminal sent already. */
const sameWish = 500;

/**
 * The first SIGINT, SIGTERM or SIGHUP asks the run to stop; a second SIGINT or SIGTERM ends the process with 130, saving
 * nothing more. A second SIGHUP does not: shell and kernel may both send one when a terminal is closed.
 *
 * @returns a function that takes the handlers off again.
 */
export function stopOnSignals(onFirst: (signal: NodeJS.Signals) => void): () => void {
  let first: number | null = null;
  const handle = (signal: NodeJS.Signals): void => {
    if (first !== null) {
      if (signal !== "SIGHUP" && performance.now() - first > sameWish) process.exit(130);
      return;
    }
    first = performance.now();
    onFirst(signal);
  };
  for (const signal of stopSignals) process.on(signal, handle);
  return () => {
    for (const signal of stopSignals) process.off(signal, handle);
  };
}

/**
 * How somebody wants a run to end: what the liveness thread writes for the engine's main thread to read, as numbers that fit
 * into shared memory.
 */
export const wishes = { none: 0, stop: 1, keepBest: 2 } as const;

/** What work gives that was stopped. */
export const cutOff = Symbol("cut off");

/** What work gives, or {@link cutOff} where a stop ended it. */
export function unlessStopped<T>(work: Promise<T>): Promise<T | typeof cutOff> {
  return work.catch((error: unknown) => {
    if (error instanceof Stopped) return cutOff;
    throw error;
  });
}
