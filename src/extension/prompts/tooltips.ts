import * as vscode from "vscode";
import { count, counted } from "../../wording/numbers.ts";
import type { Branch, TreeNode } from "./branch.ts";
import { layoutWords } from "./layoutWords.ts";
import { labelledShare } from "./promptState.ts";
import { adviceFor, prompts, wordDecision, wordGroup, wordState, wordTally } from "./words.ts";

/** Characters of a prompt that a hover has room for. */
const ROOM = 2000;

/** What a hover says about a node; made only when it is hovered. */
export function tooltipOf(node: TreeNode, branch: Branch | undefined): string | vscode.MarkdownString {
  if (node.type === "prompt") return promptTooltip(node, branch);
  if (node.type === "file") {
    if (node.file.failure !== undefined) return `${node.file.failure}\n\n${adviceFor(node.file.state)}`;
    const { broken } = node.file;
    const unused =
      broken > 0
        ? [`${counted(broken, "row")} cannot be used: the Problems view says why, once the file is unfolded`]
        : [];
    const tally = branch?.outline.tally;
    if (!tally) return [node.file.uri.fsPath, ...unused].join("\n");
    const share = `${percent(labelledShare(tally))} % of ${count(tally.total)} labelled`;
    const lines = [node.file.uri.fsPath, share, wordTally(tally), ...unused];
    const chosen = layoutWords(node.file.layout);
    if (chosen !== "")
      lines.push(`Columns chosen by hand: ${chosen}. "Choose Columns…" in the context menu changes them.`);
    const lost = node.file.orphans.length;
    if (lost > 0) {
      lines.push(
        `${counted(lost, "label")} without a prompt: carry over or forget by "Labels without a Prompt…" in the context menu`,
      );
    }
    return lines.join("\n");
  }
  const { count: number } = node.type === "group" ? node.group.root : node.range;
  return `${wordGroup(node.group.key)}, ${prompts(number)}`;
}

/** A share as a whole percentage that says 100 only of all. */
export function percent(share: number): string {
  return String(Math.floor(share * 100));
}

function promptTooltip(
  { file, record, number }: Extract<TreeNode, { type: "prompt" }>,
  branch: Branch | undefined,
): vscode.MarkdownString {
  const decision = file.decisionOf(record.id);
  const text = new vscode.MarkdownString();
  // Prompts are data: a code block shows them as they are, and everything else is appended as plain text.
  text.appendCodeblock(
    record.prompt.length > ROOM ? `${record.prompt.slice(0, ROOM)}…` : record.prompt,
    "text",
  );
  const lines = [branch ? wordState(branch.outline.stateOf(number)) : ""];
  if (decision) {
    const when = new Date(decision.at).toLocaleString("en");
    lines.push(`${wordDecision(decision.label)} by ${decision.by}, ${when}`);
    if (decision.note) lines.push(`Note: ${decision.note}`);
  }
  if (branch?.outline.isDisputed(number)) lines.push("Annotators disagree on this prompt.");
  if (record.kind) lines.push(`Category: ${record.kind}`);
  if (record.fileId) lines.push(`Id in the file: ${record.fileId}`);
  if (record.pair) lines.push(`Pair: ${record.pair}`);
  lines.push(`${file.path}, line ${record.line}`);
  for (const line of lines.filter((line) => line !== "")) text.appendText(line).appendMarkdown("\n\n");
  return text;
}
