import * as vscode from "vscode";
import type { ParamsInput } from "../../protocol/rpc.ts";
import {
  type PlaygroundFromPage,
  type PlaygroundSubject,
  type PlaygroundToPage,
  playgroundFromPage,
  type Side,
} from "../../protocol/webview/playground.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { logError } from "../log.ts";
import { openPage, type Page } from "../page/page.ts";
import { Questions, type Subjects } from "./question.ts";

/** What a playground needs of the workbench. */
export interface PlaygroundParts {
  readonly extensionUri: vscode.Uri;
  readonly engine: Engine;
  /** Asks a person for the subject of a side; undefined where they left. */
  readonly choose: (side: Side) => Promise<PlaygroundSubject | undefined>;
  /** Adds a prompt to a prompt file that a person chooses. */
  readonly add: (text: string) => Promise<void>;
}

/** The playground: one prompt, asked of two models. A new question ends the one before, so that none waits for another. */
export class PlaygroundPanel implements vscode.Disposable {
  readonly panel: vscode.WebviewPanel;
  private readonly parts: PlaygroundParts;
  private readonly page: Page<PlaygroundToPage> & vscode.Disposable;
  private subjects: Subjects;
  private text: string | undefined;
  private readonly questions = new Questions();
  private asking = new AbortController();
  /** Until when the engine keeps the models if it is asked nothing more; null where it keeps none. */
  private held: NodeJS.Timeout | null = null;
  /** Whether the engine may be reading a model, or keep one. */
  private hasAsked = false;
  private isDisposed = false;

  constructor(panel: vscode.WebviewPanel, parts: PlaygroundParts, subjects: Subjects, text?: string) {
    this.panel = panel;
    this.parts = parts;
    this.subjects = subjects;
    this.text = text;
    panel.title = "Try a Prompt";
    this.page = openPage(panel, parts.extensionUri, {
      name: "playground",
      title: "Try a Prompt",
      from: playgroundFromPage,
      onMessage: (message) => this.take(message),
      onReady: () => {
        this.tellSubjects();
        this.page.post({ type: "memory", held: this.held !== null });
      },
    });
    panel.onDidDispose(() => this.dispose());
  }

  /** Shows the panel, with another prompt or other subjects where they are given. */
  show(subjects: Subjects | null, text: string | undefined): void {
    if (subjects) this.subjects = subjects;
    if (text !== undefined) this.text = text;
    this.panel.reveal();
    this.tellSubjects();
  }

  dispose(): void {
    this.isDisposed = true;
    void this.release();
    this.page.dispose();
  }

  /** Ends what is being asked, and has the engine give back the memory of the models. */
  private async release(): Promise<void> {
    this.asking.abort();
    if (!this.hasAsked) return;
    this.forget();
    // Nobody waits for it; an engine that has ended keeps nothing.
    await this.parts.engine.call("releaseModels", {}).catch(logError);
  }

  private forget(): void {
    clearTimeout(this.held ?? undefined);
    this.held = null;
    this.hasAsked = false;
    if (!this.isDisposed) this.page.post({ type: "memory", held: false });
  }

  private keep(ms: number): void {
    clearTimeout(this.held ?? undefined);
    this.held = setTimeout(() => this.forget(), ms);
    this.page.post({ type: "memory", held: true });
  }

  private tellSubjects(): void {
    const told = this.page.post({
      type: "subjects",
      subjects: this.subjects,
      ...(this.text === undefined ? {} : { text: this.text }),
    });
    // The page has it now, and keeps what a person makes of it. One that is still loading has nothing yet.
    if (told) this.text = undefined;
  }

  private async take(message: PlaygroundFromPage): Promise<void> {
    switch (message.type) {
      case "choose": {
        const chosen = await this.parts.choose(message.side);
        if (chosen === undefined) return;
        const [left, right] = this.subjects;
        this.subjects = message.side === 0 ? [chosen, right] : [left, chosen];
        return this.tellSubjects();
      }
      case "cancel":
        return this.asking.abort();
      case "release":
        return this.release();
      case "add":
        try {
          return await this.parts.add(message.text);
        } catch (error) {
          if (error instanceof vscode.CancellationError) return;
          logError(error);
          void vscode.window.showErrorMessage(wordError(error));
          return;
        }
      case "try":
        return this.ask(message);
    }
  }

  private async ask({ ask, ...question }: Extract<PlaygroundFromPage, { type: "try" }>): Promise<void> {
    this.asking.abort();
    const asking = new AbortController();
    this.asking = asking;
    await this.questions.ask(question, this.subjects, {
      signal: asking.signal,
      call: (side, subject, doing, asked) => this.call({ ask, side, doing }, subject, asking.signal, asked),
      post: (side, found) => this.page.post({ ...found, ask, side }),
      wordFailure: (error) =>
        error instanceof vscode.CancellationError ? "The question was cancelled." : wordError(error),
    });
  }

  private async call(
    { doing, ...place }: { readonly ask: number; readonly side: Side; readonly doing: string },
    subject: PlaygroundSubject,
    signal: AbortSignal,
    question: Omit<ParamsInput<"tryPrompt">, "subject">,
  ) {
    this.hasAsked = true;
    const say = (status: string) => this.page.post({ type: "status", ...place, status });
    say(doing);
    const answered = await this.parts.engine.call(
      "tryPrompt",
      { subject: subjectParams(subject), ...question },
      {
        signal,
        onProgress: ({ title, done, total }) => {
          if (signal.aborted) return;
          // What is through is not what is being done.
          say(total > 0 && done < total ? `${title} ${Math.floor((100 * done) / total)} %` : doing);
        },
        onWritten: ({ response, reasoning }) => {
          if (signal.aborted) return;
          const answer = { response, ...(reasoning === undefined ? {} : { reasoning }) };
          this.page.post({ type: "written", ...place, answer });
        },
      },
    );
    // A panel that was closed meanwhile has asked for the release already.
    if (!signal.aborted) this.keep(answered.keptMs);
    return answered;
  }
}

function subjectParams(subject: PlaygroundSubject): ParamsInput<"tryPrompt">["subject"] {
  if (subject.kind === "run") {
    const { folder, state } = subject;
    return { kind: "run", folder, ...(state === undefined ? {} : { state }) };
  }
  const root = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd();
  return { kind: "model", model: { base: subject.base, adapters: subject.adapters }, root };
}
