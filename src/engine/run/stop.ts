/** A wish that a run stops after the step it is at, which the run itself looks at between steps. */
export interface StopToken {
  readonly requested: boolean;
}

/** A stop token that is set by hand. */
export class Stop implements StopToken {
  requested = false;

  request(): void {
    this.requested = true;
  }
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
