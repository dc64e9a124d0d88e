import type { Outcome } from "../../protocol/report/verdicts.ts";
import { Branch, type FileNode, type TreeNode } from "./branch.ts";
import { everything, hides, type PromptFilter } from "./filter.ts";
import { type GroupBy, Outline } from "./outline.ts";
import type { PromptFile } from "./promptFile.ts";

/** Prompts above which it is cheaper to draw a file anew than to say what of it changed. */
const MANY = 500;

/** What the Prompts view shows: the files, and below each that is read its groups, as one filter lets them pass. */
export class TreeModel {
  private readonly outcomeOf: (file: PromptFile, id: string) => Outcome | undefined;
  private readonly rootOf = new WeakMap<PromptFile, FileNode>();
  private branches = new Map<PromptFile, Branch>();
  private currentFilter = everything;
  private currentGroupBy: GroupBy;

  constructor(groupBy: GroupBy, outcomeOf: (file: PromptFile, id: string) => Outcome | undefined) {
    this.currentGroupBy = groupBy;
    this.outcomeOf = outcomeOf;
  }

  get filter(): PromptFilter {
    return this.currentFilter;
  }

  set filter(filter: PromptFilter) {
    this.currentFilter = filter;
    this.branches.clear();
  }

  get groupBy(): GroupBy {
    return this.currentGroupBy;
  }

  set groupBy(groupBy: GroupBy) {
    this.currentGroupBy = groupBy;
    this.branches.clear();
  }

  /** Files to show: all, or while a filter hides prompts, those that have some left. */
  roots(files: readonly PromptFile[]): FileNode[] {
    const shown = hides(this.currentFilter)
      ? files.filter((file) => file.state === "reading" || (this.branch(file)?.outline.shown ?? 0) > 0)
      : files;
    return shown.map((file) => this.root(file));
  }

  /** The node of a file. */
  root(file: PromptFile): FileNode {
    let root = this.rootOf.get(file);
    if (!root) {
      root = { type: "file", file };
      this.rootOf.set(file, root);
    }
    return root;
  }

  /** What is below a file; undefined until it is read. */
  branch(file: PromptFile): Branch | undefined {
    if (file.state !== "ready") return undefined;
    let branch = this.branches.get(file);
    if (!branch) {
      const outline = new Outline(file, this.currentGroupBy, this.currentFilter, (id) =>
        this.outcomeOf(file, id),
      );
      branch = new Branch(this.root(file), outline);
      this.branches.set(file, branch);
    }
    return branch;
  }

  /** Forgets what was made of files: of one that was read anew, or of all. */
  forget(file?: PromptFile): void {
    if (file) this.branches.delete(file);
    else this.branches.clear();
  }

  /** Takes in decisions about prompts of a file, and says which nodes changed; undefined where files come or go by it. */
  update(file: PromptFile, ids: ReadonlySet<string>): TreeNode[] | undefined {
    const branch = this.branches.get(file);
    if (!branch) return [this.root(file)];
    const before = branch.outline.shown;
    const stale = branch.outline.update(ids);
    const cameOrWent = (before === 0) !== (branch.outline.shown === 0);
    if (hides(this.currentFilter) && cameOrWent) return undefined;
    return ids.size > MANY ? [branch.root] : branch.stale(stale);
  }
}
