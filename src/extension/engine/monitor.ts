import type { Ping } from "../../protocol/rpc.ts";

/** What is waited for when an engine is looked at. */
export interface Look {
  /** What the liveness pipe said; null when it did not answer. */
  readonly ping: Pick<Ping, "quiet"> | null;
  /** What the engine works on: nothing, quick requests only, or at least one long computation. */
  readonly work: "none" | "quick" | "long";
}

/**
 * How much longer the main thread may be silent while a long computation is asked for: one training step or one batch
 * of answers of a large model keeps it busy, and a quick request waits behind it.
 */
const longFactor = 10;
/** Looks in a row that must be bad: the first after the machine slept tells of the sleep and not of the engine. */
const badLooks = 2;

/** Judges from look to look whether an engine answers. */
export class Responsiveness {
  private readonly limit: () => number;
  private bad = 0;
  private told = false;

  /** @param limit milliseconds of silence of the main thread that are too many while something quick is asked. */
  constructor(limit: () => number) {
    this.limit = limit;
  }

  /** @returns what is news since the look before. */
  look({ ping, work }: Look): "unresponsive" | "back" | null {
    const allowed = work === "long" ? this.limit() * longFactor : this.limit();
    // Nobody waits for an engine that was asked nothing.
    const wellBehaved = ping !== null && (work === "none" || ping.quiet <= allowed);
    this.bad = wellBehaved ? 0 : this.bad + 1;
    if (wellBehaved && this.told) {
      this.told = false;
      return "back";
    }
    if (this.bad >= badLooks && !this.told) {
      this.told = true;
      return "unresponsive";
    }
    return null;
  }
}

export interface MonitorOptions {
  /** Asks the liveness pipe; rejects where nobody answers until `signal` is aborted. */
  readonly ask: (signal: AbortSignal) => Promise<Pick<Ping, "quiet">>;
  readonly work: () => Look["work"];
  /** Milliseconds of silence that are too many. */
  readonly limit: () => number;
  readonly onChange: (news: "unresponsive" | "back") => void;
}

/**
 * Looks at an engine every now and then until it is told to end. The pipe itself has half the limit to answer, and two
 * looks must be bad, so that the limit is kept.
 *
 * @returns what ends it.
 */
export function monitor({ ask, work, limit, onChange }: MonitorOptions): () => void {
  const responsiveness = new Responsiveness(limit);
  const end = new AbortController();
  let timer: NodeJS.Timeout;
  const look = async () => {
    const signal = AbortSignal.any([end.signal, AbortSignal.timeout(limit() / 2)]);
    const ping = await ask(signal).catch(() => null);
    if (end.signal.aborted) return;
    const news = responsiveness.look({ ping, work: work() });
    if (news) onChange(news);
    timer = setTimeout(look, limit() / 4);
  };
  timer = setTimeout(look, limit() / 4);
  return () => {
    end.abort();
    clearTimeout(timer);
  };
}
