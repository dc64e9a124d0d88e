import type { PromptRecord } from "../../dataset/record.ts";
import type { Group, Outline, Stale } from "./outline.ts";
import type { PromptFile } from "./promptFile.ts";
import type { Range } from "./ranges.ts";

/** A prompt file in the tree. */
export interface FileNode {
  readonly type: "file";
  readonly file: PromptFile;
}

/** Prompts with one label, or of one kind. */
export interface GroupNode {
  readonly type: "group";
  readonly file: PromptFile;
  readonly group: Group;
}

/** A part of a group that has too many prompts for one list. */
export interface RangeNode {
  readonly type: "range";
  readonly file: PromptFile;
  readonly group: Group;
  readonly range: Range;
}

/** One prompt; `number` is its place in the file's records. */
export interface PromptNode {
  readonly type: "prompt";
  readonly file: PromptFile;
  readonly record: PromptRecord;
  readonly number: number;
}

export type TreeNode = FileNode | GroupNode | RangeNode | PromptNode;

/** The nodes of one file. Each is made when it is first asked for and stays the same object, as a tree view needs it. */
export class Branch {
  readonly root: FileNode;
  readonly outline: Outline;
  private readonly ranges = new WeakMap<Range, GroupNode | RangeNode>();
  private readonly prompts = new Map<number, PromptNode>();

  constructor(root: FileNode, outline: Outline) {
    this.root = root;
    this.outline = outline;
  }

  /** What is below a node. */
  children(node: TreeNode): TreeNode[] {
    if (node.type === "file") return this.outline.groups.map((group) => this.nodeOf(group.root, group));
    if (node.type === "prompt") return [];
    const range = node.type === "group" ? node.group.root : node.range;
    return range.children.map((child) =>
      typeof child === "number" ? this.prompt(child) : this.nodeOf(child, node.group),
    );
  }

  /** The node above a node. */
  parent(node: TreeNode): TreeNode | undefined {
    if (node.type === "file") return undefined;
    if (node.type === "group") return this.root;
    const group = node.type === "range" ? node.group : this.outline.groupOf(node.number);
    if (!group) return this.root;
    const range = node.type === "range" ? node.range.parent : group.root.leafOf(node.number);
    return this.nodeOf(range ?? group.root, group);
  }

  /** The node of a prompt by its place in the file's records. */
  prompt(number: number): PromptNode {
    let node = this.prompts.get(number);
    if (!node) {
      const { file } = this.root;
      node = { type: "prompt", file, record: file.records[number]!, number };
      this.prompts.set(number, node);
    }
    return node;
  }

  /** Ids of the prompts at and below a node, as far as the filter shows them. */
  ids(node: TreeNode): string[] {
    if (node.type === "prompt") return [node.record.id];
    if (node.type === "file") return this.outline.groups.flatMap(({ root }) => this.idsOf(root));
    return this.idsOf(node.type === "group" ? node.group.root : node.range);
  }

  /** The nodes to be drawn anew. */
  stale({ file, ranges, prompts }: Stale): TreeNode[] {
    if (file) return [this.root];
    const nodes = [...ranges].map((range) => this.ranges.get(range)).filter((node) => node !== undefined);
    return [...nodes, ...[...prompts].map((number) => this.prompt(number))];
  }

  private idsOf(range: Range): string[] {
    const { records } = this.root.file;
    return range.numbers().map((number) => records[number]!.id);
  }

  private nodeOf(range: Range, group: Group): GroupNode | RangeNode {
    let node = this.ranges.get(range);
    if (!node) {
      const { file } = this.root;
      node = range === group.root ? { type: "group", file, group } : { type: "range", file, group, range };
      this.ranges.set(range, node);
    }
    return node;
  }
}
