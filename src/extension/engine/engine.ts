/*
 * The workbench's engine is one process per window, started by the first request and ended with the window. Requests go over JSON-RPC;
 * a second pipe, which a thread of the engine answers, tells a busy engine from a stuck one. An engine that dies rejects what was
 * pending, and the next request starts a new one. Training runs have processes of their own and are not affected.
 */

import { join } from "node:path";
import * as vscode from "vscode";
import type { CallOptions } from "../../connection/client.ts";
import type { Method, ParamsInput, Result } from "../../protocol/rpc.ts";
import { RequestCancelled } from "../../protocol/wireError.ts";
import { onSettingChange, registerCommand, runCommand, setting } from "../contributions.ts";
import { placeVariables } from "../device/words.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log } from "../log.ts";
import { suiteVariable } from "../recipe/suiteFolder.ts";
import { pythonVariable } from "../torch/words.ts";
import { requireTrust } from "../trust.ts";
import { EngineFailure } from "./failure.ts";
import { JudgeKeys } from "./keys.ts";
import { monitor } from "./monitor.ts";
import type { EngineProcess } from "./process.ts";
import { askForKey } from "./setKey.ts";
import { wordFailure } from "./words.ts";
import { Work } from "./work.ts";

export type EngineState = "stopped" | "starting" | "running" | "unresponsive" | "crashed";

/** Milliseconds that a new engine has to say where it listens; a cold disk is slow. */
const patience = 60_000;

/** The workbench's engine: started with the first request, ended with the window. */
export class Engine implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly context: vscode.ExtensionContext;
  private readonly changed = this.store.add(new vscode.EventEmitter<EngineState>());
  /** Tells when the engine comes, goes, falls silent or crashes. */
  readonly onDidChangeState = this.changed.event;
  private readonly work = new Work();
  /** The engine that runs, and what watches it; ended at once where the window closed while it started. */
  private readonly current = this.store.add(new DisposableStore());
  private readonly keys: JudgeKeys;
  private started: Promise<EngineProcess> | null = null;

  constructor(context: vscode.ExtensionContext) {
    this.context = context;
    this.keys = new JudgeKeys(context);
    this.store.add(registerCommand("discern.engine.restart", () => this.restart()));
    this.store.add(
      registerCommand("discern.judges.setKey", async () => {
        if (await askForKey(this.keys)) await this.end();
      }),
    );
    const restarting = [
      ...(["discern.engine.nodePath", "discern.engine.path", "discern.torch.python"] as const),
      ...(["discern.backend", "discern.device", "discern.suites.folder"] as const),
    ];
    this.store.add(onSettingChange(restarting, () => void this.end()));
  }

  /**
   * Asks the engine, which is started where it does not run yet.
   *
   * @throws vscode.CancellationError in a restricted workspace, or when `signal` was aborted; DiscernError or InternalError
   *   as the engine threw it; Error in words when the engine does not start or ends before it has answered.
   */
  async call<M extends Method>(method: M, params: ParamsInput<M>, options?: CallOptions): Promise<Result<M>> {
    requireTrust();
    const engine = await this.running();
    try {
      return await this.work.during(method, engine.call(method, params, options));
    } catch (error) {
      if (error instanceof RequestCancelled) throw new vscode.CancellationError();
      if (!(error instanceof EngineFailure)) throw error;
      // What a crashed engine said last is told once, with the offer to restart it.
      const message = error.fault === "died" ? "The engine exited before it responded." : wordFailure(error);
      throw new Error(message, { cause: error });
    }
  }

  /** What works the figures of a report out from people's verdicts; null in a restricted workspace. */
  readonly recompute = () =>
    vscode.workspace.isTrusted ? (path: string) => this.call("report", { path }) : null;

  /** Ends the engine if it runs, and starts a new one. What was asked of the old one is rejected. */
  async restart(): Promise<void> {
    requireTrust();
    await this.end();
    await this.running();
  }

  dispose(): void {
    this.store.dispose();
  }

  private running(): Promise<EngineProcess> {
    this.started ??= this.start().catch((error) => {
      this.started = null;
      this.tell("stopped");
      throw error instanceof EngineFailure ? new Error(wordFailure(error), { cause: error }) : error;
    });
    return this.started;
  }

  private async start(): Promise<EngineProcess> {
    this.tell("starting");
    // Read only now: a window in which nothing is computed needs none of it.
    const { startEngine } = await import("./process.ts");
    const engine = await startEngine({
      node: setting("discern.engine.nodePath") || process.execPath,
      cli: setting("discern.engine.path") || join(this.context.extensionPath, "dist/cli.js"),
      environment: {
        ...(await this.keys.environment()),
        ...pythonVariable(setting("discern.torch.python")),
        ...placeVariables({ backend: setting("discern.backend"), device: setting("discern.device") }),
        ...suiteVariable(),
      },
      parent: process.pid,
      patience,
      onLine: (line) => log.info(`engine: ${line}`),
    });
    this.tell("running");
    this.current.add({ dispose: () => void engine.stop() });
    const endMonitor = monitor({
      ask: engine.ping,
      work: () => this.work.kind,
      limit: () => setting("discern.engine.unresponsiveSeconds") * 1000,
      onChange: (news) => {
        this.tell(news === "back" ? "running" : "unresponsive");
        if (news === "unresponsive") this.reportSilence();
        else void vscode.window.showInformationMessage("The engine is responding again.");
      },
    });
    this.current.add({ dispose: endMonitor });
    void engine.ended.then((failure) => {
      this.current.clear();
      this.started = null;
      this.tell(failure ? "crashed" : "stopped");
      if (failure) this.reportCrash(failure);
    });
    return engine;
  }

  private async end(): Promise<void> {
    const engine = await this.started?.catch(() => null);
    await engine?.stop();
  }

  private tell(state: EngineState): void {
    log.info(`engine: ${state}`);
    this.changed.fire(state);
  }

  private reportCrash(failure: EngineFailure): void {
    this.offer(vscode.window.showErrorMessage, wordFailure(failure));
  }

  private reportSilence(): void {
    this.offer(
      vscode.window.showWarningMessage,
      `The engine has not responded for ${setting("discern.engine.unresponsiveSeconds")} seconds. It may be busy with a large computation, or stuck.`,
    );
  }

  private offer(
    show: (message: string, ...items: string[]) => Thenable<string | undefined>,
    message: string,
  ) {
    const again = "Restart";
    const showLog = "Show Log";
    void show(message, again, showLog).then((chosen) => {
      if (chosen === again) void runCommand("discern.engine.restart");
      if (chosen === showLog) log.show();
    });
  }
}
