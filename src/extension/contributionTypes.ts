import type { BackendName } from "../protocol/backend.ts";
import type { DeviceName } from "../protocol/device.ts";

/**
 * Ids of everything the manifest declares and the code refers to. A test holds them against package.json in both
 * directions; this file knows no `vscode`, so that the test runs without an editor.
 */
export const commandIds = [
  "discern.prompts.labelToxic",
  "discern.prompts.labelSeeminglyToxic",
  "discern.prompts.labelGeneral",
  "discern.prompts.labelSkip",
  "discern.prompts.exclude",
  "discern.prompts.note",
  "discern.prompts.undo",
  "discern.prompts.redo",
  "discern.prompts.search",
  "discern.prompts.filter",
  "discern.prompts.clearFilter",
  "discern.prompts.groupBy",
  "discern.prompts.refresh",
  "discern.prompts.open",
  "discern.prompts.openRow",
  "discern.prompts.copy",
  "discern.prompts.chooseColumn",
  "discern.prompts.readLargeFile",
  "discern.prompts.hideFile",
  "discern.labelling.open",
  "discern.table.open",
  "discern.labels.labelFile",
  "discern.labels.export",
  "discern.labels.merge",
  "discern.labels.openLog",
  "discern.labels.orphans",
  "discern.labels.lost",
  "discern.labels.secondPass",
  "discern.labels.agreement",
  "discern.run.start",
  "discern.run.startStlAlone",
  "discern.run.compareBoth",
  "discern.runs.refresh",
  "discern.runs.filter",
  "discern.runs.clearFilter",
  "discern.runs.rename",
  "discern.runs.editTags",
  "discern.runs.editNotes",
  "discern.runs.newRecipe",
  "discern.runs.compareRecipes",
  "discern.runs.stop",
  "discern.runs.stopAndKeepBest",
  "discern.runs.resume",
  "discern.run.onPrompts",
  "discern.run.again",
  "discern.runs.startQueued",
  "discern.runs.removeQueued",
  "discern.runs.openDashboard",
  "discern.runs.openActive",
  "discern.runs.openRow",
  "discern.runs.openReport",
  "discern.runs.compare",
  "discern.runs.export",
  "discern.runs.delete",
  "discern.runs.reveal",
  "discern.runs.openLog",
  "discern.models.refresh",
  "discern.models.openRow",
  "discern.models.pull",
  "discern.models.newRecipe",
  "discern.models.evaluate",
  "discern.models.memoryPlan",
  "discern.models.openPage",
  "discern.models.reveal",
  "discern.models.copyPath",
  "discern.recipe.choosePlace",
  "discern.recipe.proposeLayer",
  "discern.recipe.new",
  "discern.suites.fetch",
  "discern.evaluation.score",
  "discern.evaluation.evaluate",
  "discern.evaluation.toggle",
  "discern.evaluation.pin",
  "discern.evaluation.chooseMethods",
  "discern.evaluation.next",
  "discern.evaluation.previous",
  "discern.evaluation.relabel",
  "discern.evaluation.openInReport",
  "discern.report.open",
  "discern.report.openAnswers",
  "discern.report.export",
  "discern.report.copyLatex",
  "discern.report.compareEarlier",
  "discern.report.exportMarkdown",
  "discern.report.exportHtml",
  "discern.laboratory.measure",
  "discern.laboratory.deriveOpenings",
  "discern.laboratory.open",
  "discern.laboratory.reveal",
  "discern.laboratory.exportData",
  "discern.laboratory.delete",
  "discern.benchmark.start",
  "discern.benchmark.plan",
  "discern.benchmark.new",
  "discern.benchmark.openMatrix",
  "discern.playground.open",
  "discern.page.help",
  "discern.judges.setKey",
  "discern.torch.install",
  "discern.device.choose",
  "discern.engine.restart",
  "discern.engine.showLog",
  "discern.engine.doctor",
  "discern.sample.open",
  "discern.walkthrough.open",
] as const;
export type CommandId = (typeof commandIds)[number];

/** Settings and the type of their values. */
export interface SettingValues {
  "discern.prompts.include": readonly string[];
  "discern.prompts.exclude": readonly string[];
  "discern.prompts.columns": Readonly<Record<string, string>>;
  "discern.prompts.largeFileMegabytes": number;
  "discern.prompts.groupBy": "label" | "kind";
  "discern.labels.author": string;
  "discern.labelling.blur": boolean;
  "discern.labelling.guidelines": string;
  "discern.evaluation.show": boolean;
  "discern.gates": readonly string[];
  "discern.runs.folder": string;
  "discern.runs.openReport": boolean;
  "discern.mcp.answers": boolean;
  "discern.models.folders": readonly string[];
  "discern.suites.folder": string;
  "discern.engine.nodePath": string;
  "discern.engine.path": string;
  "discern.engine.unresponsiveSeconds": number;
  "discern.backend": "auto" | BackendName;
  "discern.device": "auto" | DeviceName;
  "discern.torch.python": string;
  "discern.walkthrough.opens": boolean;
}
export const settingKeys = [
  "discern.prompts.include",
  "discern.prompts.exclude",
  "discern.prompts.columns",
  "discern.prompts.largeFileMegabytes",
  "discern.prompts.groupBy",
  "discern.labels.author",
  "discern.labelling.blur",
  "discern.labelling.guidelines",
  "discern.evaluation.show",
  "discern.gates",
  "discern.runs.folder",
  "discern.runs.openReport",
  "discern.mcp.answers",
  "discern.models.folders",
  "discern.suites.folder",
  "discern.engine.nodePath",
  "discern.engine.path",
  "discern.engine.unresponsiveSeconds",
  "discern.backend",
  "discern.device",
  "discern.torch.python",
  "discern.walkthrough.opens",
] as const satisfies readonly (keyof SettingValues)[];

/** Context keys, each with one writer, and the type of their values. */
export interface ContextValues {
  /** Whether a search or a filter hides prompts; written by the Prompts view. */
  "discern.prompts.filtered": boolean;
  /** Whether a filter hides runs; written by the Runs view. */
  "discern.runs.filtered": boolean;
  "discern.prompts.canUndo": boolean;
  "discern.prompts.canRedo": boolean;
  /** True for a moment when a step of the walkthrough is done, which ticks it; written by the first steps. */
  "discern.steps.prompts": boolean;
  "discern.steps.model": boolean;
  "discern.steps.label": boolean;
  "discern.steps.run": boolean;
  /** Whether evaluations are shown in prompt files; written by the inline evaluation. */
  "discern.evaluation.shown": boolean;
  /** Whether the active editor has an evaluation. */
  "discern.evaluation.available": boolean;
}
export const contextKeys = [
  "discern.prompts.filtered",
  "discern.runs.filtered",
  "discern.prompts.canUndo",
  "discern.prompts.canRedo",
  "discern.steps.prompts",
  "discern.steps.model",
  "discern.steps.label",
  "discern.steps.run",
  "discern.evaluation.shown",
  "discern.evaluation.available",
] as const satisfies readonly (keyof ContextValues)[];

export const viewIds = ["discern.prompts", "discern.runs", "discern.models"] as const;

/** Ids of webview panels and custom editors. */
export const pageIds = {
  labelling: "discern.labelling",
  dashboard: "discern.dashboard",
  report: "discern.report",
  benchmark: "discern.benchmark",
  laboratory: "discern.laboratory",
  table: "discern.table",
  parquetTable: "discern.parquetTable",
  playground: "discern.playground",
} as const;
