/** What is to be started, with the words of its file as they were when it was asked for. */
export type QueuedWork =
  | {
      readonly kind: "start";
      /** Path of the recipe, or of a comparison, benchmark or sweep. */
      readonly file: string;
      readonly text: string;
      readonly stlAlone: boolean;
      /** URIs of the prompt files about which it was asked, which show it once it has a report. */
      readonly askedIn?: readonly string[];
    }
  | {
      readonly kind: "resume";
      readonly folder: string;
      /** The file of an experiment that has more by now than what is in the folder; absent where it is resumed as it was planned. */
      readonly from?: { readonly file: string; readonly text: string };
    };

/** A run that waits until no other is active. */
export interface QueuedRun {
  readonly id: string;
  /** Of its folder, shown. */
  readonly name: string;
  readonly work: QueuedWork;
  /** ISO 8601. */
  readonly queuedAt: string;
}

const storageKey = "discern.queue";

/** Where a queue is kept. */
export interface QueueMemory {
  get<T>(key: string, preset: T): T;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** The runs of this workspace that wait, the first to be started first. They are kept over reloads of the window. */
export class RunQueue {
  private readonly memory: QueueMemory;
  private readonly listeners = new Set<() => void>();
  private list: readonly QueuedRun[];

  constructor(memory: QueueMemory) {
    this.memory = memory;
    this.list = memory.get<readonly QueuedRun[]>(storageKey, []);
  }

  get waiting(): readonly QueuedRun[] {
    return this.list;
  }

  /** Calls the listener after every change. @returns the subscription. */
  onDidChange(listener: () => void): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  add(name: string, work: QueuedWork): QueuedRun {
    const queuedAt = new Date().toISOString();
    const id = `${queuedAt}-${this.list.filter((run) => run.queuedAt === queuedAt).length}`;
    const run: QueuedRun = { id, name, work, queuedAt };
    this.set([...this.list, run]);
    return run;
  }

  /** Takes a run out of the queue. @returns whether it was there still. */
  remove({ id }: Pick<QueuedRun, "id">): boolean {
    const left = this.list.filter((run) => run.id !== id);
    const isThere = left.length < this.list.length;
    if (isThere) this.set(left);
    return isThere;
  }

  private set(list: readonly QueuedRun[]): void {
    this.list = list;
    void this.memory.update(storageKey, list);
    for (const listener of this.listeners) listener();
  }
}

/** What a runner of a queue asks of others. */
export interface QueueDoors {
  /** Whether a run is active. */
  readonly isBusy: () => boolean;
  /** Starts a run; once it resolves, `isBusy` knows of it. */
  readonly start: (run: QueuedRun) => Promise<void>;
  /** Says that a run could not be started. */
  readonly failed: (run: QueuedRun, error: unknown) => void;
}

/**
 * Starts the runs of a queue one after another, each when no run is active any more, however the one before it ended. One that cannot be started
 * is told and left out, so that it keeps no other waiting.
 */
export class QueueRunner {
  private readonly queue: RunQueue;
  private readonly doors: QueueDoors;
  private starting = false;
  /** A queue of an earlier session starts nothing before a person says so, or a run ends that is active. */
  private isHeld: boolean;

  constructor(queue: RunQueue, doors: QueueDoors) {
    this.queue = queue;
    this.doors = doors;
    this.isHeld = queue.waiting.length > 0;
  }

  /** Lets a queue of an earlier session go on. */
  release(): Promise<void> {
    this.isHeld = false;
    return this.look();
  }

  /** Looks whether the next run can be started: to be called whenever runs or the queue change. */
  async look(): Promise<void> {
    if (this.starting) return;
    // Whoever sees a run end is here to see the next one start.
    if (this.doors.isBusy()) this.isHeld = false;
    const [next] = this.queue.waiting;
    if (next === undefined || this.isHeld || this.doors.isBusy()) return;
    this.starting = true;
    this.queue.remove(next);
    try {
      await this.doors.start(next);
    } catch (error) {
      this.doors.failed(next, error);
    } finally {
      this.starting = false;
    }
    await this.look();
  }
}
