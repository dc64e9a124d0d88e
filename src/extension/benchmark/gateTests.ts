import * as vscode from "vscode";
import { benchmarkSuffix } from "../../protocol/benchmark.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { wordError } from "../errors.ts";
import { passesPlanned } from "../launch/checked.ts";
import { startComparison } from "../launch/compareMethods.ts";
import { resumeRun } from "../launch/start.ts";
import { cellsWords } from "../runs/describe.ts";
import type { Run } from "../runs/library.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { requireTrust } from "../trust.ts";
import { gateOutcome, gatesIn } from "./gates.ts";
import { nameIn, newestRun } from "./planner.ts";
import type { BenchmarkParts } from "./start.ts";

const files = `**/*${benchmarkSuffix}`;

/**
 * The gates of benchmark files in the Test Explorer: an item per file, and below it one per condition. Running them starts or
 * resumes the benchmark where it has no report yet, and holds the report against the conditions. A report that changes is held
 * against them unasked.
 */
export class GateTests implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly parts: BenchmarkParts;
  private readonly controller = this.store.add(
    vscode.tests.createTestController("discern.gates", "Discern Gates"),
  );
  /** Names of benchmarks by the URI of their file. */
  private readonly names = new Map<string, string>();
  /** The report that each file's gates were held against last, by the URI of the file. */
  private readonly held = new Map<string, string>();

  constructor(parts: BenchmarkParts) {
    this.parts = parts;
    const { controller } = this;
    controller.resolveHandler = async (item) => {
      if (item === undefined) await this.discover();
    };
    controller.refreshHandler = () => this.discover();
    const { Run: kind } = vscode.TestRunProfileKind;
    controller.createRunProfile("Run", kind, (request, token) => this.run(request, token, true), true);
    controller.createRunProfile("Check the Newest Report", kind, (request, token) =>
      this.run(request, token, false),
    );
    const watcher = this.store.add(vscode.workspace.createFileSystemWatcher(files));
    this.store.add(watcher.onDidCreate((uri) => this.read(uri)));
    this.store.add(watcher.onDidChange((uri) => this.read(uri)));
    this.store.add(watcher.onDidDelete((uri) => controller.items.delete(uri.toString())));
    this.store.add(
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.path.endsWith(benchmarkSuffix)) this.fill(document.uri, document.getText());
      }),
    );
    this.store.add(onSettingChange(["discern.gates"], () => void this.discover()));
    this.store.add(parts.library.onDidChange((run) => this.recheck(run)));
    this.store.add(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.held.clear();
        this.recheck(undefined);
      }),
    );
    void this.discover();
  }

  dispose(): void {
    this.store.dispose();
  }

  private async discover(): Promise<void> {
    const found = await vscode.workspace.findFiles(files, "**/node_modules/**");
    const there = new Set(found.map(String));
    for (const { id } of itemsOf(this.controller.items)) {
      if (!there.has(id)) this.controller.items.delete(id);
    }
    await Promise.all(found.map((uri) => this.read(uri)));
    this.recheck(undefined);
  }

  private async read(uri: vscode.Uri): Promise<void> {
    const open = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
    const bytes = open
      ? null
      : await vscode.workspace.fs.readFile(uri).then(
          (found) => found,
          () => null,
        );
    this.fill(uri, open?.getText() ?? new TextDecoder().decode(bytes ?? new Uint8Array()));
  }

  /** Makes the items of a file what its text says. A file without gates has none. */
  private fill(uri: vscode.Uri, text: string): void {
    const key = uri.toString();
    const name = nameIn(text);
    const gates = gatesIn(text);
    const general = setting("discern.gates", uri);
    if (name === null || gates.length + general.length === 0) {
      this.controller.items.delete(key);
      return;
    }
    this.names.set(key, name);
    const { controller } = this;
    const item =
      controller.items.get(key) ?? controller.createTestItem(key, vscode.workspace.asRelativePath(uri), uri);
    const position = positions(text);
    const children = gates.map(({ text: condition, offset, length }, i) => {
      const child = controller.createTestItem(`${i} ${condition}`, condition, uri);
      child.range = new vscode.Range(position(offset), position(offset + length));
      return child;
    });
    const ofSettings = general.map((condition, i) => {
      const child = controller.createTestItem(`setting ${i} ${condition}`, condition, uri);
      child.description = "setting discern.gates";
      return child;
    });
    item.children.replace([...children, ...ofSettings]);
    this.held.delete(key);
    controller.items.add(item);
  }

  private newest(file: vscode.TestItem): Run | undefined {
    return newestRun(this.parts.library, this.names.get(file.id) ?? null);
  }

  /** Holds new reports against their gates, without anybody asking. */
  private recheck(changed: Run | undefined): void {
    for (const file of itemsOf(this.controller.items)) {
      const run = this.newest(file);
      if (run === undefined || run.report === null || run.state !== "finished") continue;
      if (changed !== undefined && changed.folder.fsPath !== run.folder.fsPath) continue;
      if (this.held.get(file.id) === run.report) continue;
      this.held.set(file.id, run.report);
      const request = new vscode.TestRunRequest([file]);
      const testRun = this.controller.createTestRun(request, `Report of ${run.label}`, false);
      void this.hold(testRun, file, itemsOf(file.children), run).finally(() => testRun.end());
    }
  }

  private async run(
    request: vscode.TestRunRequest,
    token: vscode.CancellationToken,
    starts: boolean,
  ): Promise<void> {
    const testRun = this.controller.createTestRun(request);
    try {
      for (const [file, gates] of asked(this.controller, request)) {
        for (const gate of gates) testRun.enqueued(gate);
        if (token.isCancellationRequested) continue;
        for (const gate of gates) testRun.started(gate);
        await this.runFile(testRun, file, gates, token, starts).catch((error: unknown) => {
          if (error instanceof vscode.CancellationError) throw error;
          fail(testRun, gates, wordError(error));
        });
      }
    } catch (error) {
      if (!(error instanceof vscode.CancellationError)) throw error;
    } finally {
      testRun.end();
    }
  }

  private async runFile(
    testRun: vscode.TestRun,
    file: vscode.TestItem,
    gates: readonly vscode.TestItem[],
    token: vscode.CancellationToken,
    starts: boolean,
  ): Promise<void> {
    const run = starts ? await this.finished(testRun, file, token) : this.newest(file);
    if (run === undefined || run.report === null) {
      const what =
        run === undefined ? "It has not been run yet." : `${run.label}: ${run.problem ?? run.state}.`;
      fail(testRun, gates, `The benchmark has no report. ${what}`);
      return;
    }
    this.held.set(file.id, run.report);
    await this.hold(testRun, file, gates, run);
  }

  /** The newest run of a file once it has ended: started or resumed where that is needed. */
  private async finished(
    testRun: vscode.TestRun,
    file: vscode.TestItem,
    token: vscode.CancellationToken,
  ): Promise<Run | undefined> {
    const { engine, library, facts } = this.parts;
    const before = this.newest(file);
    if (before?.state === "finished" && before.report !== null) return before;
    requireTrust();
    if (before === undefined) {
      const text = await passesPlanned(facts, file.uri!);
      if (text === undefined) return undefined;
      await startComparison(engine, library, { file: file.uri!, text }, this.names.get(file.id)!);
    } else if (isResumable(before)) await resumeRun(engine, library, before);
    const say = (words: string) => testRun.appendOutput(`${words}\r\n`);
    say(`${this.names.get(file.id)} runs in a process of its own.`);
    return new Promise((resolve) => {
      const store = new DisposableStore();
      let seen = false;
      let told = "";
      const look = () => {
        const run = this.newest(file);
        if (token.isCancellationRequested) say("No longer waited for: the benchmark continues.");
        else if (run === undefined || isActive(run) || (!seen && run === before)) {
          seen ||= run !== undefined && isActive(run);
          const words = run?.cells ? cellsWords(run.cells) : "";
          if (words !== told) say(words);
          told = words;
          return;
        }
        store.dispose();
        resolve(run);
      };
      store.add(library.onDidChange(look));
      store.add(token.onCancellationRequested(look));
      look();
    });
  }

  private async hold(
    testRun: vscode.TestRun,
    file: vscode.TestItem,
    gates: readonly vscode.TestItem[],
    run: Run,
  ): Promise<void> {
    try {
      const { report, outdated } = await this.parts.library.figures(run);
      // What cannot be evaluated did not pass.
      if (outdated !== null) {
        fail(testRun, gates, outdated);
        return;
      }
      for (const gate of gates) {
        const { status, messages, compared } = gateOutcome(gate.label, report);
        const words = messages.join("\n");
        testRun.appendOutput(`${gate.label}\r\n  ${words.replaceAll("\n", "\r\n  ")}\r\n`, undefined, gate);
        const message = compared
          ? vscode.TestMessage.diff(words, compared.expected, compared.actual)
          : new vscode.TestMessage(words);
        if (file.uri && gate.range) message.location = new vscode.Location(file.uri, gate.range);
        if (status === "passed") testRun.passed(gate);
        else if (status === "failed") testRun.failed(gate, message);
        else testRun.errored(gate, message);
      }
    } catch (error) {
      fail(testRun, gates, wordError(error));
    }
  }
}

function fail(testRun: vscode.TestRun, gates: readonly vscode.TestItem[], words: string): void {
  for (const gate of gates) testRun.errored(gate, new vscode.TestMessage(words));
}

function itemsOf(items: vscode.TestItemCollection): vscode.TestItem[] {
  return [...items].map(([, item]) => item);
}

/** The gates that a request asks for, by their files. */
function asked(
  controller: vscode.TestController,
  { include, exclude = [] }: vscode.TestRunRequest,
): Map<vscode.TestItem, vscode.TestItem[]> {
  const found = new Map<vscode.TestItem, vscode.TestItem[]>();
  for (const item of include ?? itemsOf(controller.items)) {
    const file = item.parent ?? item;
    const gates = item.parent ? [item] : itemsOf(item.children);
    const known = found.get(file) ?? [];
    found.set(file, [...known, ...gates.filter((gate) => !exclude.includes(gate) && !known.includes(gate))]);
  }
  return found;
}

/** Where an offset stands in a text, as an editor counts. */
function positions(text: string): (offset: number) => vscode.Position {
  const starts = [0, ...[...text.matchAll(/\r\n|\r|\n/g)].map((found) => found.index + found[0].length)];
  return (offset) => {
    const line = starts.findLastIndex((start) => start <= offset);
    return new vscode.Position(line, offset - starts[line]!);
  };
}
