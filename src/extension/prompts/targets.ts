import type { TreeNode } from "./branch.ts";
import type { PromptFile } from "./promptFile.ts";
import type { TreeModel } from "./treeModel.ts";

/** The prompts that a command is about, by file. */
export interface Targets {
  readonly ids: ReadonlyMap<PromptFile, ReadonlySet<string>>;
  readonly count: number;
  /** Whether they stand for more than the nodes selected: a group, a range or a whole file. */
  readonly collective: boolean;
}

/** The prompts at and below nodes, as far as the filter shows them; each once, though a range and its prompts are selected. */
export function targetsOf(nodes: readonly TreeNode[], model: TreeModel): Targets {
  const ids = new Map<PromptFile, Set<string>>();
  for (const node of nodes) {
    const branch = model.branch(node.file);
    if (!branch) continue;
    const known = ids.get(node.file) ?? new Set();
    ids.set(node.file, known);
    for (const id of branch.ids(node)) known.add(id);
  }
  const count = [...ids.values()].reduce((sum, known) => sum + known.size, 0);
  return { ids, count, collective: nodes.some(({ type }) => type !== "prompt") };
}
