import type { NewRunEvent, RunEventOf } from "../../protocol/events.ts";
import type { DeviceUse } from "../../protocol/telemetry.ts";
import type { Backend } from "../backend/backend.ts";
import { watchPeak } from "./peakMemory.ts";

/** Milliseconds between two events of a stage. */
const usualEvery = 10_000;
/** Steps of a stage that are not counted in its pace: the first ones compile graphs. */
const warmUp = 3;

/** Asks for memory and use of the devices; null where the backend cannot tell. Never fails, and takes a millisecond or so. */
export type AskUse = () => Promise<DeviceUse | null>;

/** What a stage's end says of how fast it was and what it took. */
export type StageSummary = Pick<
  RunEventOf<"stage-finished">,
  "peakBytes" | "tokensPerSecond" | "devicePeakBytes" | "utilisation"
>;

/** Tokens and the time they took. */
interface Work {
  tokens: number;
  seconds: number;
}

/**
 * Watches how fast a stage is and what it takes. What is asked of the backend is asked between two steps, and seldom, so that training is
 * not slowed down.
 */
export class StageTelemetry {
  private readonly use: AskUse;
  private readonly every: number;
  private readonly peak = watchPeak();
  private readonly peaks = new DevicePeaks();
  private readonly whole: Work = { tokens: 0, seconds: 0 };
  private recent: Work = { tokens: 0, seconds: 0 };
  private steps = 0;
  private last = performance.now();
  private readonly utilisations: number[] = [];

  /** @param every milliseconds between two events. */
  constructor(use: AskUse, every: number = usualEvery) {
    this.use = use;
    this.every = every;
  }

  /**
   * Counts a step.
   *
   * @returns the event that is due, if one is.
   */
  async step(
    place: { readonly stage: number; readonly step: number },
    tokens: number,
    seconds: number,
  ): Promise<NewRunEvent | null> {
    for (const work of ++this.steps > warmUp ? [this.recent, this.whole] : [this.recent]) {
      work.tokens += tokens;
      work.seconds += seconds;
    }
    if (performance.now() - this.last < this.every) return null;
    const use = await this.ask();
    const { recent } = this;
    this.recent = { tokens: 0, seconds: 0 };
    this.last = performance.now();
    return {
      type: "telemetry",
      ...place,
      tokensPerSecond: paceOf(recent),
      processBytes: process.memoryUsage.rss() + (use?.processBytes ?? 0),
      ...(use && { use }),
    };
  }

  /** What is to be said of the stage at its end. */
  async summary(): Promise<StageSummary> {
    await this.ask();
    const { utilisations, peaks } = this;
    const mean = utilisations.reduce((sum, each) => sum + each, 0) / utilisations.length;
    return {
      ...peaksOf(this.peak, peaks),
      tokensPerSecond: paceOf(this.whole),
      ...(utilisations.length === 0 ? {} : { utilisation: mean }),
    };
  }

  /** Does work that is none of the stage's steps, such as a probe, and says what memory it took; the stage's own peaks have it, too. */
  async during<T>(work: () => Promise<T>): Promise<{ readonly found: T } & Peaks> {
    // A device forgets its peak when it is asked: what it held up to here is the stage's alone.
    this.peaks.add(await this.use());
    const [peakBytes, peaks] = [watchPeak(), new DevicePeaks()];
    const found = await work();
    const use = await this.use();
    this.peaks.add(use);
    peaks.add(use);
    return { found, ...peaksOf(peakBytes, peaks) };
  }

  private async ask(): Promise<DeviceUse | null> {
    const use = await this.use();
    this.peaks.add(use);
    if (use?.utilisation != null) this.utilisations.push(use.utilisation);
    return use;
  }
}

function paceOf({ tokens, seconds }: Work): number | null {
  return seconds > 0 ? tokens / seconds : null;
}

/** The most that was held of what a backend reports. */
export class DevicePeaks {
  /** Of its own processes; 0 where it has none. */
  process = 0;
  /** Of a device; null where that is not known. */
  device: number | null = null;

  add(use: DeviceUse | null): void {
    if (use === null) return;
    this.process = Math.max(this.process, use.processPeakBytes ?? use.processBytes ?? 0);
    const peak = use.peakBytes ?? use.bytes;
    if (peak !== null) this.device = Math.max(this.device ?? 0, peak);
  }
}

/** What an event says of the most memory that was held. */
export interface Peaks {
  readonly peakBytes: number;
  readonly devicePeakBytes?: number;
}

/** The most memory that the process, with those of its backend, and a device held until now. */
export async function peaksNow(
  backend: Pick<Backend, "use">,
  peakBytes: () => number,
  peaks: DevicePeaks,
): Promise<Peaks> {
  peaks.add(await backend.use());
  return peaksOf(peakBytes, peaks);
}

/** @param peaks of what a backend reports. */
export function peaksOf(peakBytes: () => number, { device, process }: DevicePeaks): Peaks {
  return { peakBytes: peakBytes() + process, ...(device === null ? {} : { devicePeakBytes: device }) };
}
