import { isDeepStrictEqual } from "node:util";
import { DiscernError } from "../../protocol/errors.ts";
import type { PromptResult } from "../../protocol/report/answers.ts";
import type { EarlierComparison } from "../../protocol/report/earlier.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  type FiguresState,
  figuresOf,
  type JudgedAnswer,
  type JudgeRequest,
  type ReportToPage,
} from "../../protocol/webview/report.ts";
import { answerKey, type Judged, withJudgements } from "../../runFolder/judgements.ts";
import { readReport } from "../../runFolder/reportFile.ts";
import { type ReportJudgements, reportJudgements } from "../../runFolder/reportJudgements.ts";
import { Turns } from "../turns.ts";
import { judgeAnswer } from "./judge.ts";

/** What a report that is shown needs from the workbench. */
interface SessionOptions {
  /** Path of report.json. */
  readonly file: string;
  readonly post: (message: ReportToPage) => void;
  /** The folder of runs that the report lies in; null where it lies elsewhere. */
  readonly runsFolder: string | null;
  /** Name that judgements made in this window carry. */
  readonly author: () => string;
  /** Works the report out anew from what people judged; null where no engine may run. */
  readonly recompute: () => ((file: string) => Promise<Report>) | null;
  /** Says what became of each method since an earlier report, whose path it is given. */
  readonly compare: (earlier: string) => Promise<EarlierComparison>;
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
  private said: ReportJudgements = { judged: new Map(), logs: [] };
  /** What the page was told of judgements last, and the report whose figures it shows. */
  private told = "";
  private shown: Report | null = null;
  /** Where each answer stands in the report; made when it is first needed, for it hashes every answer. */
  private places: Map<string, Omit<JudgedAnswer, "verdict" | "by" | "at" | "note">[]> | null = null;
  private computing: Promise<void> | null = null;
  /** The earlier report that this one is held against, and how often it was. */
  private earlier: string | null = null;
  private saidOfEarlier: Judged | null = null;
  private comparisons = 0;
  /** One after another: of two readings that overlap, the older could have the last word. */
  private readonly reads = new Turns();
  private stale = false;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  /** Reads the report and its judgements, tells the page, and has the figures worked out. */
  async load(): Promise<void> {
    if (await this.reads.take(() => this.readReport())) await this.compute();
  }

  /** Looks for judgements of other windows and of other reports, and reports those that are about answers of this one. */
  async reloadJudgements(): Promise<void> {
    if (await this.reads.take(() => this.readJudgements())) await this.compute();
  }

  /** @returns whether figures may follow. */
  private async readReport(): Promise<boolean> {
    const { file, post, word } = this.options;
    try {
      this.report = await readReport(file);
      this.places = null;
      this.said = await reportJudgements([file]);
    } catch (error) {
      this.report = null;
      post({ type: "damaged", message: word(error) });
      return false;
    }
    const judgements = this.judgements();
    this.told = JSON.stringify(judgements);
    this.shown = this.report;
    post({ type: "report", answers: this.report.answers, figures: figuresOf(this.report), ...judgements });
    return true;
  }

  /** @returns whether figures may follow. */
  private async readJudgements(): Promise<boolean> {
    const before = this.saidOfEarlier;
    this.said = await reportJudgements([this.options.file]);
    this.saidOfEarlier = await judgedOf(this.earlier);
    if (this.report === null) return false;
    const judgements = this.judgements();
    const told = JSON.stringify(judgements);
    // An answer of the earlier report may have been judged that this one does not hold.
    if (told === this.told) return !isDeepStrictEqual(before, this.saidOfEarlier);
    this.told = told;
    this.options.post({ type: "judged", ...judgements });
    return true;
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
    const { file, author, runsFolder } = this.options;
    const { judged } = this.said;
    try {
      await judgeAnswer(file, author(), { ...answers, result, verdict, note }, { judged, runsFolder });
    } finally {
      // Where it is kept beside the report and not in the log for the others, it holds here.
      await this.reloadJudgements();
    }
  }

  /**
   * Holds the report against an earlier one, also after each judgement to come.
   *
   * @param compare how it is done this time
   * @throws what `compare` throws; an earlier comparison then stays.
   */
  async compareWith(earlier: string, compare = this.options.compare): Promise<void> {
    const before = this.earlier;
    this.earlier = earlier;
    try {
      this.saidOfEarlier = await judgedOf(earlier);
      await this.tellEarlier(earlier, compare, true);
    } catch (error) {
      if (this.earlier === earlier) this.earlier = before;
      throw error;
    }
  }

  /** Of two comparisons at once the one that began later counts: it knows more judgements. */
  private async tellEarlier(
    path: string,
    compare: (earlier: string) => Promise<EarlierComparison>,
    wasAsked: boolean,
  ): Promise<void> {
    const number = ++this.comparisons;
    const earlier = await compare(path);
    if (number === this.comparisons) this.options.post({ type: "earlier", earlier, wasAsked });
  }

  /** The first answer to a prompt. */
  find(id: string): PromptResult | undefined {
    return this.report?.answers.flatMap(({ results }) => results).find((result) => result.id === id);
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
    const { file, post, recompute, compare, word } = this.options;
    const tell = (state: FiguresState) => post({ type: "state", state });
    while (this.stale) {
      this.stale = false;
      if (this.report === null) return;
      // What was judged need not change this report, and nothing is left of what was taken back.
      const isStored = withJudgements(this.report.answers, this.said.judged) === this.report.answers;
      if (isStored) {
        if (this.shown !== this.report) post({ type: "figures", figures: figuresOf(this.report) });
        this.shown = this.report;
      }
      if (isStored && this.earlier === null) {
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
        if (!isStored) {
          this.shown = await ask(file);
          post({ type: "figures", figures: figuresOf(this.shown) });
        }
        if (this.earlier !== null) await this.tellEarlier(this.earlier, compare, false);
        if (!this.stale) tell({ kind: "current" });
      } catch (error) {
        tell({ kind: "failed", message: word(error) });
      }
    }
  }

  private judgements(): { judged: JudgedAnswer[]; broken: readonly number[] } {
    return { judged: this.answers(), broken: this.said.logs[0]?.broken ?? [] };
  }

  private answers(): JudgedAnswer[] {
    const { judged } = this.said;
    if (judged.size === 0) return [];
    this.places ??= Map.groupBy(
      this.report!.answers.flatMap(({ results }, answers) =>
        results.map((result) => ({ key: answerKey(result), answers, suite: result.suite, id: result.id })),
      ),
      ({ key }) => key,
    );
    return [...judged].flatMap(([key, { verdict, by, at, note }]) =>
      (this.places!.get(key) ?? []).map(({ answers, suite, id }) => ({
        ...{ answers, suite, id, verdict, by, at },
        ...(note === undefined ? {} : { note }),
      })),
    );
  }
}

/** What people said of the answers of the earlier report; null where there is none. */
async function judgedOf(earlier: string | null): Promise<Judged | null> {
  return earlier === null ? null : (await reportJudgements([earlier])).judged;
}
