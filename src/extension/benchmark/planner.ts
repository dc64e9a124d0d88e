import { parse } from "jsonc-parser";
import * as vscode from "vscode";
import type { CheckedPlanned } from "../../recipe/checkPlanned.ts";
import type { CheckedFiles } from "../recipe/checkedFiles.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import type { PlanSummary } from "./planned.ts";

/** Scheme of the documents that show plans. */
const scheme = "discern-plan";

/** The name that such a file gives; null where it has none, as one that is being written may not. */
export function nameIn(text: string): string | null {
  const value: unknown = parse(text);
  const name = (value as { name?: unknown } | undefined)?.name;
  return typeof name === "string" && name !== "" ? name : null;
}

/** The newest comparison, benchmark or sweep that was run by this name. */
export function newestRun(library: RunLibrary, name: string | null): Run | undefined {
  return name === null ? undefined : library.runs.find((run) => run.cells !== undefined && run.name === name);
}

/** Plans files as the runner does, with what their runs cost. */
export class Planner {
  private readonly library: RunLibrary;
  private readonly facts: RecipeFacts;
  private readonly files: CheckedFiles;

  constructor(library: RunLibrary, facts: RecipeFacts, files: CheckedFiles) {
    this.library = library;
    this.facts = facts;
    this.files = files;
  }

  /** The check of a file as it stands in its editor, and its plan; the plan is null where the file has faults. */
  async plan(
    document: vscode.TextDocument,
  ): Promise<{ readonly checked: CheckedPlanned; readonly summary: PlanSummary | null }> {
    const checked = await this.files.planned(document);
    if (checked.cells.length === 0) return { checked, summary: null };
    const name = nameIn(document.getText()) ?? "";
    const finished = new Set(newestRun(this.library, name)?.cells?.finished);
    const runs = await Promise.all(
      checked.cells.map(async (cell) => ({
        cell,
        isFinished: finished.has(cell.name),
        cost: await this.facts.cost(cell.recipe, checked.root, cell.trial ? {} : checked.counts),
      })),
    );
    return { checked, summary: { name, runs, missing: checked.missing } };
  }
}

/** Shows plans as Markdown previews: read-only documents whose text is made when they are opened. */
export class PlanDocuments implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();

  register(): vscode.Disposable {
    return vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  }

  async show(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${name} plan.md` });
    this.texts.set(uri.toString(), text);
    await vscode.commands.executeCommand("markdown.showPreview", uri);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }
}
