import { stat } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import type { Report } from "../../protocol/report/report.ts";
import { answerKey, currentJudgements, type Judged, readJudgements } from "../../runFolder/judgements.ts";
import { type JudgedReport, readJudgedReport } from "../../runFolder/reportJudgements.ts";

/** A log of judgements as it was read last. */
interface KnownLog {
  readonly stamp: string;
  readonly judged: Judged;
}

/** What works the figures of a report out from people's verdicts; null where no engine may run. */
export type Recompute = () => ((path: string) => Promise<Report>) | null;

/** The figures of a report. */
export interface JudgedFigures {
  /** Without the results of its answers. */
  readonly report: Report;
  /** Why the figures do not include people's verdicts, in a sentence; null where they do. */
  readonly outdated: string | null;
}

/**
 * Reads reports with people's verdicts, and knows which of them another one's judgement concerns. Of every report that was read it
 * remembers which answers it holds, four bytes for each, so that a judgement makes those out of date that hold the answer, and no other.
 */
export class JudgedReports {
  /** The first four bytes of the hash of each answer, by the run's folder. Two that are alike by chance cost one reading. */
  private readonly holds = new Map<string, Uint32Array>();
  private readonly revisions = new Map<string, number>();
  private readonly logs = new Map<string, KnownLog>();
  /** Counts what was found to be judged anew. */
  private changes = 0;

  /** The report of a folder, with people's verdicts on its answers. @throws DiscernError `run-invalid`. */
  async read(folder: string): Promise<Report> {
    return (await this.readBoth(folder)).report;
  }

  /**
   * The figures of a folder's report as people's verdicts have them: as they were written where those change no answer, else worked out anew.
   *
   * @throws DiscernError `run-invalid`.
   */
  async figures(folder: string, recompute: Recompute): Promise<JudgedFigures> {
    const { report, isChanged } = await this.readBoth(folder);
    const work = isChanged ? recompute() : null;
    if (!isChanged) return { report: withoutResults(report), outdated: null };
    if (work === null) {
      const outdated =
        "This workspace is not trusted, so the engine does not run: these figures do not include people's verdicts.";
      return { report: withoutResults(report), outdated };
    }
    try {
      return { report: withoutResults(await work(folder)), outdated: null };
    } catch (error) {
      const outdated = `These figures do not include people's verdicts: ${(error as Error).message}`;
      return { report: withoutResults(report), outdated };
    }
  }

  private async readBoth(folder: string): Promise<JudgedReport> {
    for (;;) {
      const before = this.changes;
      const read = await readJudgedReport(folder);
      // What was judged meanwhile is not in it, and nobody would say so later.
      if (before !== this.changes) continue;
      const answers = read.report.answers.flatMap(({ results }) => results);
      this.holds.set(
        folder,
        Uint32Array.from(answers, (answer) => shortened(answerKey(answer))),
      );
      return read;
    }
  }

  /** How often answers of a report were judged in other reports since it was first read here. */
  revision(folder: string): number {
    return this.revisions.get(folder) ?? 0;
  }

  /** Forgets a report that is gone. */
  forget(folder: string): void {
    this.holds.delete(folder);
    this.revisions.delete(folder);
  }

  /**
   * Looks whether a log of judgements has changed.
   *
   * @returns the folders of the reports, of those that were read, which hold an answer of which something else is said now.
   * @throws DiscernError `run-invalid` when the log exists and cannot be read.
   */
  async look(log: string): Promise<string[]> {
    const stamp = await stampOf(log);
    const known = this.logs.get(log);
    if (known?.stamp === stamp || (known === undefined && stamp === "")) return [];
    const judged = currentJudgements((await readJudgements(log)).judgements);
    this.logs.set(log, { stamp, judged });
    const before: Judged = known?.judged ?? new Map();
    const changed = new Set(
      [...new Set([...before.keys(), ...judged.keys()])]
        .filter((key) => !isDeepStrictEqual(before.get(key), judged.get(key)))
        .map(shortened),
    );
    if (changed.size === 0) return [];
    this.changes++;
    const found = [...this.holds].filter(([, answers]) => answers.some((answer) => changed.has(answer)));
    for (const [folder] of found) this.revisions.set(folder, this.revision(folder) + 1);
    return found.map(([folder]) => folder);
  }
}

/** Results are not kept with figures: those of many reports would fill the host. */
function withoutResults(report: Report): Report {
  return { ...report, answers: report.answers.map((one) => ({ ...one, results: [] })) };
}

/** Four bytes of the SHA-256 with which a key ends. */
function shortened(key: string): number {
  return Number.parseInt(key.slice(-8), 16);
}

function stampOf(file: string): Promise<string> {
  return stat(file).then(
    ({ mtimeMs, size }) => `${mtimeMs} ${size}`,
    () => "",
  );
}
