import type { Meter } from "./meter.ts";
import type { Results } from "./results.ts";

/** What a part works with. */
export interface Context {
  readonly results: Results;
  readonly meter: Meter;
  /** The environment of all processes. */
  readonly env: NodeJS.ProcessEnv;
  /** Python with torch, transformers and peft; null where none was found. */
  readonly python: string | null;
  /** The device of PyTorch. */
  readonly torchDevice: "cuda" | "cpu";
  readonly threads: number;
  /** Measured runs of a task, after two that are not. */
  readonly repeat: number;
  /** The folder of a shape's random model, written at the first call. */
  model(shape: string): Promise<string>;
  /** Aborted when the part's time is over. */
  readonly signal: AbortSignal;
}
