/** A wish that a run stops after the step it is at, which the run itself looks at between steps. */
export interface StopToken {
  readonly requested: boolean;
  /**
   * With `requested`: the stage ends at its best state instead of where it is, later stages are left out, and the run
   * is concluded with its evaluation.
   */
  readonly keepBest?: boolean;
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

/**
 * The first SIGINT or SIGTERM asks the run to stop; a second one ends the process with 130, saving nothing more.
 *
 * @returns a function that takes the handlers off again.
 */
export function stopOnSignals(onFirst: (signal: NodeJS.Signals) => void): () => void {
  let seen = false;
  const handle = (signal: NodeJS.Signals): void => {
    if (seen) process.exit(130);
    seen = true;
    onFirst(signal);
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  return () => {
    process.off("SIGINT", handle);
    process.off("SIGTERM", handle);
  };
}
