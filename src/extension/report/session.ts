import { dirname, join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import type { PromptResult } from "../../protocol/report/answers.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  type FiguresState,
  figuresOf,
  type JudgedAnswer,
  type JudgeRequest,
  type ReportToPage,
} from "../../protocol/webview/report.ts";
import {
  answerKey,
  currentJudgements,
  type Judged,
  type JudgementLog,
  judgementsPath,
  readJudgements,
} from "../../runFolder/judgements.ts";
import { readReport } from "../../runFolder/reportFile.ts";
import { judgeAnswer } from "./judge.ts";

/** What a report that is shown needs from the workbench. */
interface SessionOptions {
  /** Path of report.json. */
  readonly file: string;
  readonly post: (message: ReportToPage) => void;
  /** Name that judgements made in this window carry. */
  readonly author: () => string;
  /** Works the report out anew from what people judged; null where no engine may run. */
  readonly recompute: () => ((file: string) => Promise<Report>) | null;
  /** An error in words. */
  readonly word: (error: unknown) => string;
}

/**
 * A report that is open: what its file says, what people judged of its answers, and the figures that follow. Judging
 * needs no engine, since it only appends; the figures do.
 */
export class ReportSession {
  private readonly options: SessionOptions;
  private report: Report | null = null;
  private log: JudgementLog = { judgements: [], broken: [] };
  private judged: Judged = new Map();
  /** Where each answer stands in the report; made when it is first needed, for it hashes every answer. */
  private places: Map<string, Omit<JudgedAnswer, "verdict" | "by" | "at" | "note">[]> | null = null;
  private computing: Promise<void> | null = null;
  private stale = false;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  /** Reads the report and its judgements, tells the page, and has the figures worked out. */
  async load(): Promise<void> {
    const { file, post, word } = this.options;
    try {
      this.report = await readReport(file);
      this.places = null;
      await this.readLog();
    } catch (error) {
      this.report = null;
      post({ type: "damaged", message: word(error) });
      return;
    }
    const { broken } = this.log;
    post({
      type: "report",
      answers: this.report.answers,
      figures: figuresOf(this.report),
      judged: this.answers(),
      broken,
    });
    await this.compute();
  }

  /** Looks for judgements of other windows, and tells of them where there are any. */
  async reloadJudgements(): Promise<void> {
    const known = this.log.judgements.length + this.log.broken.length;
    await this.readLog();
    if (this.report === null || this.log.judgements.length + this.log.broken.length === known) return;
    this.options.post({ type: "judged", judged: this.answers(), broken: this.log.broken });
    await this.compute();
  }

  /**
   * Keeps what a person says of an answer. The page is told once it is on the disk.
   *
   * @throws DiscernError `run-unwritable`, `disk-full`; `run-invalid` where the report has no such answer (any more).
   */
  async judge({ answers: index, suite, id, verdict, note }: JudgeRequest): Promise<void> {
    const answers = this.report?.answers[index];
    const result = answers?.results.find((one) => one.suite === suite && one.id === id);
    if (answers === undefined || result === undefined) {
      throw new DiscernError("run-invalid", "The report has changed and no longer holds that answer.");
    }
    const judged = { ...answers, result, verdict, note };
    await judgeAnswer(this.options.file, this.options.author(), judged, this.judged);
    await this.reloadJudgements();
  }

  /** The first answer to a prompt. */
  find(id: string): PromptResult | undefined {
    return this.report?.answers.flatMap(({ results }) => results).find((result) => result.id === id);
  }

  /** The path of a probe's result that the report mentions; null for any other. */
  resultFile(file: string): string | null {
    const mentioned = this.report?.laboratory?.some((mention) => mention.file === file);
    return mentioned ? join(dirname(this.options.file), file) : null;
  }

  /** Has the figures follow the judgements; what is judged meanwhile is taken up in one more go. */
  compute(): Promise<void> {
    this.stale = true;
    this.computing ??= this.computeWhileStale().finally(() => {
      this.computing = null;
    });
    return this.computing;
  }

  private async computeWhileStale(): Promise<void> {
    const { file, post, recompute, word } = this.options;
    const tell = (state: FiguresState) => post({ type: "state", state });
    while (this.stale) {
      this.stale = false;
      if (this.report === null) return;
      if (this.log.judgements.length === 0) {
        tell({ kind: "current" });
        continue;
      }
      const ask = recompute();
      if (ask === null) {
        tell({ kind: "restricted" });
        continue;
      }
      tell({ kind: "working" });
      try {
        const figures = figuresOf(await ask(file));
        post({ type: "figures", figures });
        if (!this.stale) tell({ kind: "current" });
      } catch (error) {
        tell({ kind: "failed", message: word(error) });
      }
    }
  }

  private async readLog(): Promise<void> {
    this.log = await readJudgements(judgementsPath(this.options.file));
    this.judged = currentJudgements(this.log.judgements);
  }

  private answers(): JudgedAnswer[] {
    if (this.judged.size === 0) return [];
    this.places ??= Map.groupBy(
      this.report!.answers.flatMap(({ results }, answers) =>
        results.map((result) => ({ key: answerKey(result), answers, suite: result.suite, id: result.id })),
      ),
      ({ key }) => key,
    );
    return [...this.judged].flatMap(([key, { verdict, by, at, note }]) =>
      (this.places!.get(key) ?? []).map(({ answers, suite, id }) => ({
        ...{ answers, suite, id, verdict, by, at },
        ...(note === undefined ? {} : { note }),
      })),
    );
  }
}
