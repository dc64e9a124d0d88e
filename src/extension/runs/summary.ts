import { readFile, stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Activity } from "../../protocol/activity.ts";
import type { SeriesPoint } from "../../protocol/comovement.ts";
import { type Manifest, manifestSchema } from "../../protocol/manifest.ts";
import { placeWords } from "../../protocol/place.ts";
import { type Remarks, readRemarks } from "../../runFolder/about.ts";
import { EventReader } from "../../runFolder/eventLog.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { probeFiles } from "../../runFolder/probeFile.ts";
import { reportStamp } from "../../runFolder/reportJudgements.ts";
import { RunProgress, type StageProgress, type SuiteProgress } from "./progress.ts";

/**
 * What a run is doing, as its folder tells it: `interrupted` when its log has not ended but nobody works on it any more,
 * `damaged` when the folder cannot be understood.
 */
export type RunSummaryState =
  | "starting"
  | "running"
  | "finished"
  | "stopped"
  | "failed"
  | "interrupted"
  | "damaged";

/** What an experiment is described by; or `report`: a folder with a report over other runs, or of a model, and no run. */
export type RunKind = "comparison" | "benchmark" | "sweep" | "report";

/** How far the runs of an experiment are, by the names of their folders. */
export interface CellsSummary {
  readonly names: readonly string[];
  readonly finished: readonly string[];
  readonly running: readonly string[];
  readonly failed: readonly { readonly cell: string; readonly message: string }[];
}

/** A stop that was asked for and has not come yet, in words. */
export interface Stopping {
  /** Whether the best state is kept; null where an engine of an earlier version, asked by others, does not say so. */
  readonly keepBest: boolean | null;
  /** For narrow places: "stopping by step 35". */
  readonly short: string;
  /** What happens, and when. */
  readonly long: string;
}

/** What is shown of a run, or of an experiment of several, without opening it. */
export interface RunSummary {
  /** Absent for a run. */
  readonly kind?: RunKind;
  /** What people say about it; absent where nobody has said anything. */
  readonly remarks?: Remarks;
  /** Name in the manifest, or of the folder where the manifest cannot be read. */
  readonly name: string;
  readonly state: RunSummaryState;
  readonly manifest: Manifest | null;
  /** Why the run failed or its folder is damaged. */
  readonly problem?: string;
  /** Why a rule of its sweep ended it before its last step. */
  readonly stoppedEarly?: string;
  /** Absent where no stop was asked for, as far as this window knows. */
  readonly stopping?: Stopping;
  /** Steps done, over all stages. */
  readonly step: number;
  /** Steps of all stages; null while a stage to come does not know its own. */
  readonly totalSteps: number | null;
  /** Kind of the stage that is trained. */
  readonly stage: string | null;
  readonly stages: readonly StageProgress[];
  /** Seconds until the run has ended; null while that is unknown. */
  readonly etaSeconds: number | null;
  /** Seconds of a step of training, as far as they are known while it runs. */
  readonly stepSeconds?: number;
  /** What it is at besides training. */
  readonly activity?: Activity;
  /** How far the answers of the run's own method have come, a suite that was begun each. */
  readonly answered: readonly SuiteProgress[];
  /** Refusal probabilities at the last probe. */
  readonly last: SeriesPoint | null;
  readonly device: string | null;
  /** Backend and device in a few words; absent before the first event. */
  readonly place?: string;
  /** Tokens per second of training, as the log told last. */
  readonly tokensPerSecond?: number;
  /** Stands for the report and people's verdicts on it, as they are now; null where there is no report. */
  readonly report: string | null;
  /** Files with results of probes; absent for an experiment, whose runs have them. */
  readonly results?: readonly string[];
  /** The runs that an experiment consists of; absent for a single run. */
  readonly cells?: CellsSummary;
  /** When the run began, or its folder was made; ISO 8601. */
  readonly startedAt?: string;
  /** When it finished, stopped or failed; ISO 8601. */
  readonly finishedAt?: string;
}

/** Whether an engine works on the run, or is about to. */
export function isActive({ state }: Pick<RunSummary, "state">): boolean {
  return state === "running" || state === "starting";
}

/** Whether the run can go on from where it was left. */
export function isResumable({ state }: Pick<RunSummary, "state">): boolean {
  return state === "stopped" || state === "failed" || state === "interrupted";
}

type ManifestRead = { manifest: Manifest } | { problem: string } | null;

/** What keeps the summary of a folder. */
export interface SummaryReader {
  /** Looks again. @returns the same object as before when nothing changed; null when there is nothing to show. */
  read(): Promise<RunSummary | null>;
}

/** Looks at a folder, and keeps what it said last. */
export abstract class FolderReader implements SummaryReader {
  protected readonly folder: string;
  private current: RunSummary | null = null;
  private reading: Promise<RunSummary | null> | null = null;

  /** @param folder it need not exist. */
  constructor(folder: string) {
    this.folder = folder;
  }

  async read(): Promise<RunSummary | null> {
    // Two readings at once would mix up the order of events: the second shares the first.
    this.reading ??= this.readOnce().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  /** What the folder says now; null when there is nothing to show. */
  protected abstract look(): Promise<RunSummary | null>;

  private async readOnce(): Promise<RunSummary | null> {
    const next = await this.look();
    if (!isDeepStrictEqual(next, this.current)) this.current = next;
    return this.current;
  }
}

/** Keeps the summary of one run folder, reading of its event log only what was appended. */
export class RunReader extends FolderReader {
  private readonly events: EventReader;
  private readonly progress = new RunProgress();
  private manifest: ManifestRead = null;
  private manifestChanged = -1;

  /** @param folder the run folder; it need not exist. */
  constructor(folder: string) {
    super(folder);
    this.events = new EventReader(runPaths(folder).events);
  }

  protected async look(): Promise<RunSummary | null> {
    // The lock first: a run that ends in between is then seen as running once more, never as interrupted.
    const holder = await lockHolder(this.folder);
    await this.readManifest();
    for await (const event of this.events.read()) this.progress.take(event);
    return this.manifest === null && holder === null
      ? null
      : summarise(this.folder, this.manifest, this.progress, {
          workingSince: holder?.started ?? null,
          report: await reportStamp(this.folder),
          results: await probeFiles(this.folder),
          remarks: await readRemarks(this.folder),
        });
  }

  private async readManifest(): Promise<void> {
    const path = runPaths(this.folder).manifest;
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => -1,
    );
    if (changed === this.manifestChanged) return;
    this.manifestChanged = changed;
    if (changed === -1) this.manifest = null;
    else {
      try {
        this.manifest = { manifest: manifestSchema.parse(JSON.parse(await readFile(path, "utf8"))) };
      } catch (error) {
        this.manifest = { problem: `manifest.json: ${error instanceof Error ? error.message : error}` };
      }
    }
  }
}

function summarise(
  folder: string,
  read: ManifestRead,
  progress: RunProgress,
  {
    workingSince,
    report,
    results,
    remarks,
  }: { workingSince: string | null; remarks: Remarks | null } & Pick<RunSummary, "report" | "results">,
): RunSummary {
  const manifest = read !== null && "manifest" in read ? read.manifest : null;
  const state = read !== null && "problem" in read ? "damaged" : stateOf(progress, workingSince);
  const problem = read !== null && "problem" in read ? read.problem : progress.failure;
  const startedAt = progress.startedAt ?? manifest?.created;
  const ended = state === "finished" || state === "stopped" || state === "failed";
  return {
    name: manifest?.name ?? folder.split(/[\\/]/).at(-1)!,
    state,
    manifest,
    ...(problem === null ? {} : { problem }),
    ...(progress.stoppedEarly === null ? {} : { stoppedEarly: progress.stoppedEarly }),
    step: progress.step,
    totalSteps: progress.totalSteps,
    stage: progress.stage,
    stages: [...progress.stages],
    etaSeconds: state === "running" ? progress.etaSeconds : null,
    ...(state === "running" && progress.stepSeconds !== null && { stepSeconds: progress.stepSeconds }),
    ...(progress.activity === null ? {} : { activity: progress.activity }),
    answered: progress.answered,
    last: progress.last,
    device: progress.place?.device ?? manifest?.device ?? null,
    ...(progress.place && { place: placeWords(progress.place) }),
    ...(state === "running" &&
      progress.tokensPerSecond !== null && { tokensPerSecond: progress.tokensPerSecond }),
    report,
    ...(results && { results }),
    ...(remarks && { remarks }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(ended && progress.lastAt !== null ? { finishedAt: progress.lastAt } : {}),
  };
}

function stateOf({ state, lastAt }: RunProgress, workingSince: string | null): RunSummaryState {
  if (workingSince === null) return state === "running" || state === null ? "interrupted" : state;
  if (state === null) return "starting";
  // An engine that took the folder after the log ended is resuming the run, one from before is about to leave.
  if (state !== "running") return lastAt !== null && workingSince > lastAt ? "starting" : state;
  return "running";
}
