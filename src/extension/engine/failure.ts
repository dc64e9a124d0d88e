/** Why the engine did not start, or is gone. */
export type EngineFault =
  /** The program that should run the engine is not there or may not be run. */
  | "node-missing"
  /** The program that should run the engine is something else than Node.js. */
  | "not-node"
  | "node-too-old"
  | "engine-missing"
  /** It started and never said where it listens. */
  | "silent"
  /** Somebody asked it to end. */
  | "stopped"
  /** Nobody did. */
  | "died";

/** An engine that did not start or that is gone; the host words it by its fault. */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
  readonly fault: EngineFault;
  /** The path or the version that the fault is about; how it ended, for "died". */
  readonly detail: string;
  /** What the engine said last, oldest first. */
  readonly lines: readonly string[];

  constructor(
    fault: EngineFault,
    detail: string,
    lines: readonly string[] = [],
    options?: { cause?: unknown },
  ) {
    super([`${fault}: ${detail}`, ...lines].join("\n"), options);
    this.fault = fault;
    this.detail = detail;
    this.lines = lines;
  }
}
