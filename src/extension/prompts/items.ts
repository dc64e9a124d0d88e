import { posix } from "node:path";
import * as vscode from "vscode";
import { count, counted } from "../../wording/numbers.ts";
import type { CommandId } from "../contributionTypes.ts";
import type { Branch, FileNode, GroupNode, PromptNode, RangeNode, TreeNode } from "./branch.ts";
import { markedUri, type PromptMark } from "./decorations.ts";
import { hides, type PromptFilter } from "./filter.ts";
import { isChosen } from "./layoutWords.ts";
import { type LostLog, lostWords } from "./lostLog.ts";
import type { PromptFile } from "./promptFile.ts";
import { type PromptState, promptStates, toLabel } from "./promptState.ts";
import { oneLine, prompts, wordGroup, wordState, wordTally } from "./words.ts";

const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;

/** Icons by state: each has its own shape, so that nothing depends on the colour. */
const icons: Record<PromptState, vscode.ThemeIcon> = {
  toxic: new vscode.ThemeIcon("flame", new vscode.ThemeColor("charts.red")),
  seemingly_toxic: new vscode.ThemeIcon("shield", new vscode.ThemeColor("charts.blue")),
  general: new vscode.ThemeIcon("comment", new vscode.ThemeColor("charts.green")),
  unlabelled: new vscode.ThemeIcon("circle-outline"),
  skipped: new vscode.ThemeIcon("debug-step-over"),
  excluded: new vscode.ThemeIcon("circle-slash"),
};

/** Icons of files that can not be unfolded. */
const waitingIcons: Partial<Record<PromptFile["state"], vscode.ThemeIcon>> = {
  unclear: new vscode.ThemeIcon("question"),
  large: new vscode.ThemeIcon("cloud-download"),
  empty: new vscode.ThemeIcon("circle-slash"),
  failed: new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground")),
};

/** What a click on a row does. */
const openRow = { command: "discern.prompts.openRow" satisfies CommandId, title: "Open" };

const warning = new vscode.ThemeIcon("warning", new vscode.ThemeColor("list.warningForeground"));

/**
 * How a node looks in the tree.
 *
 * @param branch the file's nodes; undefined until it is read
 * @param filter what the tree shows: prompts that are searched for are unfolded, and the words marked in them
 */
export function itemOf(node: TreeNode, branch: Branch | undefined, filter: PromptFilter): vscode.TreeItem {
  const item = look(node, branch, filter.text);
  if (hides(filter) && (node.type === "file" || node.type === "group")) {
    if (item.collapsibleState === Collapsed) item.collapsibleState = Expanded;
    // The view remembers by id what is unfolded: what a search unfolds is not so any more after it.
    item.id += "#found";
  }
  return item;
}

function look(node: TreeNode, branch: Branch | undefined, search: string): vscode.TreeItem {
  if (node.type === "file") return fileItem(node, branch);
  if (node.type === "prompt") return promptItem(node, branch, search);
  return node.type === "group" ? groupItem(node) : rangeItem(node);
}

function fileItem({ file }: FileNode, branch: Branch | undefined): vscode.TreeItem {
  const icon = waitingIcons[file.state];
  // The name stands first and the folder last, so that a narrow view cuts off the folder.
  const [name, folder] = [posix.basename(file.uri.path), folderOf(file)];
  const item = new vscode.TreeItem(name, icon === undefined ? Collapsed : None);
  item.id = file.uri.toString();
  item.resourceUri = file.uri;
  item.iconPath = icon ?? (file.broken > 0 ? warning : vscode.ThemeIcon.File);
  item.contextValue = icon === undefined ? "promptFile" : `promptFile+${file.state}`;
  const chosen = isChosen(file.layout) ? "own columns" : "";
  const broken = branch ? wordBroken(file) : "";
  item.description = [broken, shortOfFile(file, branch), chosen, folder].filter(Boolean).join(" · ");
  item.accessibilityInformation = {
    label: [file.path, describeFile(file, branch), chosen].filter(Boolean).join(", "),
  };
  if (icon !== undefined) item.command = openRow;
  return item;
}

/** How a label log without a prompt file looks in the tree. */
export function lostItem(log: LostLog): vscode.TreeItem {
  const item = new vscode.TreeItem(posix.basename(log.uri.path), None);
  item.id = `${log.uri}#lost`;
  item.iconPath = warning;
  item.contextValue = "lostLabels";
  item.description = [lostWords(log), folderOf(log)].filter(Boolean).join(" · ");
  item.accessibilityInformation = { label: `${log.path}, ${lostWords(log)}` };
  item.command = openRow;
  return item;
}

/** The folder that a file lies in, as its path shows it; "" for the workspace itself. */
function folderOf({ path }: Pick<PromptFile, "path">): string {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut < 0 ? "" : path.slice(0, cut);
}

/** What a row has room for: the one number that says what is to be done, else how many prompts there are. */
function shortOfFile(file: PromptFile, branch: Branch | undefined): string {
  if (file.state === "unclear") return "choose columns";
  if (file.state === "large") return "large";
  if (!branch) return describeFile(file, branch);
  if (file.orphans.length > 0) return `${counted(file.orphans.length, "label")}, no prompt`;
  const { tally } = branch.outline;
  const open = toLabel(tally);
  return open > 0 ? `${count(open)} to label` : count(tally.total);
}

function describeFile(file: PromptFile, branch: Branch | undefined): string {
  switch (file.state) {
    case "unread":
      return wordBroken(file);
    case "reading":
      return "reading…";
    case "unclear":
      return "choose the columns";
    case "large":
      return "large, not read yet";
    case "empty":
      return "no prompts";
    case "failed":
      return "cannot be read";
    case "ready": {
      const parts = branch ? [wordTally(branch.outline.tally)] : [];
      if (file.broken > 0) parts.push(wordBroken(file));
      if (file.orphans.length > 0) parts.push(`${counted(file.orphans.length, "label")} without a prompt`);
      return parts.join(" · ");
    }
  }
}

/** Rows of a file that cannot be used; "" where there are none. */
function wordBroken({ broken }: PromptFile): string {
  return broken > 0 ? `${count(broken)} broken` : "";
}

function groupItem({ file, group: { key, root } }: GroupNode): vscode.TreeItem {
  const item = new vscode.TreeItem(wordGroup(key), Collapsed);
  item.id = `${file.uri}#${key}`;
  item.description = count(root.count);
  item.contextValue = "promptGroup";
  item.iconPath = promptStates.find((state) => state === key) ? icons[key as PromptState] : undefined;
  item.accessibilityInformation = {
    label: `${wordGroup(key)}, ${prompts(root.count)}`,
  };
  return item;
}

function rangeItem({ file, group, range }: RangeNode): vscode.TreeItem {
  const name = `${count((range.first ?? 0) + 1)}–${count((range.last ?? 0) + 1)}`;
  const item = new vscode.TreeItem(name, Collapsed);
  item.id = `${file.uri}#${group.key}#${range.id}`;
  item.description = count(range.count);
  item.contextValue = "promptRange";
  item.accessibilityInformation = {
    label: `${name} of the file, ${prompts(range.count)}`,
  };
  return item;
}

function promptItem(node: PromptNode, branch: Branch | undefined, search: string): vscode.TreeItem {
  const { file, record, number } = node;
  const state = branch?.outline.stateOf(number) ?? "unlabelled";
  const disputed = branch?.outline.isDisputed(number) ?? false;
  const text = oneLine(record.prompt);
  const item = new vscode.TreeItem({ label: text, highlights: highlights(text, search) }, None);
  item.id = `${file.uri}#${number}`;
  item.iconPath = icons[state];
  item.contextValue = "prompt";
  const marks = marksOf(node, disputed);
  item.description = marks.join(" · ");
  item.resourceUri = markedUri(marks);
  item.command = openRow;
  item.accessibilityInformation = {
    label: [wordState(state), text, item.description].filter(Boolean).join(", "),
  };
  return item;
}

function marksOf({ file, record }: PromptNode, disputed: boolean): PromptMark[] {
  const decision = file.decisionOf(record.id);
  const found: PromptMark[] = [];
  if (disputed) found.push("disputed");
  if (decision?.label === "skip" && record.label) found.push("skipped");
  if (decision?.note) found.push("note");
  return found;
}

function highlights(text: string, search: string): [number, number][] {
  const words = search.trim().toLowerCase();
  const at = words === "" ? -1 : text.toLowerCase().indexOf(words);
  return at < 0 ? [] : [[at, at + words.length]];
}
