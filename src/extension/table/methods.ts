import * as vscode from "vscode";
import * as z from "zod";
import type { PromptRecord } from "../../dataset/record.ts";
import { reportJudgements } from "../../runFolder/reportJudgements.ts";
import {
  type Answers,
  answersOf,
  isSame,
  type MethodChoice,
  type ShownMethod,
} from "../evaluation/answers.ts";
import type { ShownRuns } from "../evaluation/shownRuns.ts";
import { log } from "../log.ts";
import { judgeAnswer } from "../report/judge.ts";
import { description, stateIcons } from "../runs/describe.ts";
import { runsFolderAround } from "../runs/folders.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import type { ShownColumn } from "./session.ts";

const chosenSchema = z.object({ folder: z.string(), method: z.string(), seed: z.int() });
/** The method of a column, as a person chose it. */
type Chosen = z.infer<typeof chosenSchema>;

/** A column and where its answers come from. */
export interface Column extends ShownColumn {
  readonly of: Run;
  readonly choice: MethodChoice;
}

/** Most methods that a table shows beside each other. */
const MOST = 2;
/** Files whose chosen methods are remembered. */
const MOST_FILES = 50;
const memoryKey = "discern.table.methods";

/**
 * The methods whose verdicts and probabilities a file's table shows: those that a person chose, which this workspace remembers, else
 * those that the marks in the file show.
 */
export class TableMethods {
  private readonly runs: RunLibrary;
  private readonly shown: ShownRuns;
  private readonly memory: vscode.Memento;

  constructor(runs: RunLibrary, shown: ShownRuns, memory: vscode.Memento) {
    this.runs = runs;
    this.shown = shown;
    this.memory = memory;
  }

  /** The columns of a file, the marked one last; none where no run answered any of its prompts. */
  async columns(file: vscode.Uri, records: readonly PromptRecord[]): Promise<Column[]> {
    const chosen = await Promise.all(this.chosen(file).map((one) => this.load(one)));
    const found = chosen.filter((column) => column !== null);
    if (found.length > 0) return found;
    const shown = await this.shown.of(records, file);
    return shown ? columnsOf(shown.run, shown.answers).slice(-MOST) : [];
  }

  /** Asks for the run and the method of a column, and remembers them. @returns whether one was chosen */
  async choose(file: vscode.Uri, columns: readonly Column[], at: 0 | 1): Promise<boolean> {
    const run = await this.pickRun(columns[at]);
    if (run === undefined) return false;
    if (run === null) {
      await this.remember(file, []);
      return true;
    }
    const answers = answersOf(await this.runs.report(run));
    const method = await pickMethod(run, answers.choices, columns[at]);
    if (method === undefined) return false;
    const next = columns.map(asChosen);
    next[Math.min(at, next.length)] = { folder: run.folder.toString(), ...method };
    await this.remember(file, next);
    return true;
  }

  /** Takes a column away. */
  async remove(file: vscode.Uri, columns: readonly Column[], at: 0 | 1): Promise<void> {
    await this.remember(file, columns.filter((_, i) => i !== at).map(asChosen));
  }

  private chosen(file: vscode.Uri): readonly Chosen[] {
    const kept = this.memory.get<Record<string, unknown>>(memoryKey, {})[file.toString()];
    return z.array(chosenSchema).max(MOST).catch([]).parse(kept);
  }

  private async remember(file: vscode.Uri, chosen: readonly Chosen[]): Promise<void> {
    const { [file.toString()]: _, ...others } = this.memory.get<Record<string, unknown>>(memoryKey, {});
    const kept = Object.entries(others).slice(-(MOST_FILES - 1));
    const entries = chosen.length > 0 ? [...kept, [file.toString(), chosen] as const] : kept;
    await this.memory.update(memoryKey, Object.fromEntries(entries));
  }

  private async load({ folder, method, seed }: Chosen): Promise<Column | null> {
    const run = this.runs.run(vscode.Uri.parse(folder));
    if (!run || run.report === null) return null;
    try {
      const choice = { method, seed };
      const answers = answersOf(await this.runs.report(run), [choice]);
      return columnsOf(run, answers).find((column) => isSame(column.choice, choice)) ?? null;
    } catch (error) {
      log.warn(`${run.label}: its answers cannot be shown. ${(error as Error).message}`);
      return null;
    }
  }

  /** @returns null for the methods that the file's marks show, undefined where nothing is picked */
  private async pickRun(now: Column | undefined): Promise<Run | null | undefined> {
    const runs = this.runs.runs.filter(({ report }) => report !== null);
    const items = runs.map((run) => ({
      label: `$(${stateIcons[run.state].icon}) ${run.label}`,
      detail: description(run, this.runs.headline(run)),
      ...(run === now?.of && { description: "shown now" }),
      run: run as Run | null,
    }));
    const usual = {
      label: "$(list-selection) As in the text editor",
      detail: "The run and the methods whose marks the prompt file shows",
      run: null,
    };
    const picked = await vscode.window.showQuickPick([usual, ...items], {
      title: "Verdicts in the Prompt Table",
      placeHolder: runs.length > 0 ? "Run" : "No run of this workspace has a report yet",
      matchOnDetail: true,
    });
    return picked?.run;
  }
}

/**
 * Keeps what a person says of an answer, as the report page does.
 *
 * @throws DiscernError `run-unwritable`, `disk-full`, `run-invalid`.
 */
export async function judgeColumn(
  { of, choice }: Column,
  answer: Parameters<typeof judgeAnswer>[2]["result"],
  verdict: Parameters<typeof judgeAnswer>[2]["verdict"],
  author: string,
): Promise<void> {
  const report = of.folder.fsPath;
  const { judged } = await reportJudgements([report]);
  const kept = { judged, runsFolder: runsFolderAround(report) };
  await judgeAnswer(report, author, { ...choice, result: answer, verdict }, kept);
}

function columnsOf(run: Run, { shown }: Answers): Column[] {
  return shown.map(({ method, seed, title, answers }) => {
    return { run: run.label, title, answers, of: run, choice: { method, seed } };
  });
}

function asChosen({ of, choice }: Column): Chosen {
  return { folder: of.folder.toString(), ...choice };
}

async function pickMethod(
  run: Run,
  choices: readonly ShownMethod[],
  now: Column | undefined,
): Promise<MethodChoice | undefined> {
  const items = choices.map((choice) => ({
    label: choice.title,
    ...(run === now?.of && isSame(choice, now.choice) && { description: "shown now" }),
    choice,
  }));
  if (items.length === 1) return bare(items[0]!.choice);
  const picked = await vscode.window.showQuickPick(items, {
    title: "Verdicts in the Prompt Table",
    placeHolder: `Method of ${run.label}`,
  });
  return picked && bare(picked.choice);
}

function bare({ method, seed }: ShownMethod): MethodChoice {
  return { method, seed };
}
