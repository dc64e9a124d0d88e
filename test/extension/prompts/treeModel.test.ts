import { describe, expect, it } from "vitest";
import type { TreeNode } from "../../../src/extension/prompts/branch.ts";
import { countFacets } from "../../../src/extension/prompts/facets.ts";
import { everything } from "../../../src/extension/prompts/filter.ts";
import { targetsOf } from "../../../src/extension/prompts/targets.ts";
import { TreeModel } from "../../../src/extension/prompts/treeModel.ts";
import { promptFile, readCsv } from "./promptFiles.ts";

const model = (groupBy: "label" | "kind" = "label") => new TreeModel(groupBy, () => undefined);

/** Every node below one. */
function below(tree: TreeModel, node: TreeNode): TreeNode[] {
  const children = tree.branch(node.file)!.children(node);
  return children.flatMap((child) => [child, ...below(tree, child)]);
}

describe("the tree of prompt files", () => {
  it("leads from every node back to the one it is below, as the same object", async () => {
    const file = await readCsv(...Array.from({ length: 450 }, (_, i) => `Prompt ${i},,`), "Other,safe,");
    const tree = model();
    const branch = tree.branch(file)!;
    const nodes = [tree.root(file), ...below(tree, tree.root(file))];
    expect(nodes).toHaveLength(1 + 2 + 3 + 451);
    for (const node of nodes) {
      for (const child of branch.children(node)) expect(branch.parent(child)).toBe(node);
    }
  });

  it("shows files that are not read, and hides them and those without a match while it is filtered", async () => {
    const [read, other] = [await readCsv("What is bread?,,"), await readCsv("How to kill time?,,")];
    const unread = promptFile("unread.csv", "prompt\nbread\n");
    const tree = model();
    const files = [read, other, unread];
    expect(tree.roots(files).map(({ file }) => file)).toEqual(files);
    tree.filter = { ...everything, text: "bread" };
    expect(tree.roots(files).map(({ file }) => file)).toEqual([read]);
  });

  it("says which nodes a label changes, and that files come or go while a filter hides prompts", async () => {
    const file = await readCsv("one,,", "two,,", "three,safe,", "four,safe,");
    const tree = model();
    const branch = tree.branch(file)!;
    const [seemingly, unlabelled] = branch.children(tree.root(file));
    const label = (number: number, value: "toxic" | "seemingly_toxic") =>
      file.labels.decide("ada", [{ id: file.records[number]!.id, label: value }]);
    expect(tree.update(file, await label(0, "seemingly_toxic"))).toEqual([unlabelled, seemingly]);
    expect(tree.update(file, await label(1, "toxic"))).toEqual([tree.root(file)]);

    tree.filter = { ...everything, states: new Set(["toxic"]) };
    tree.branch(file);
    expect(tree.update(file, await label(1, "seemingly_toxic"))).toBeUndefined();
  });

  it("takes each prompt once for a command, though its group is selected as well", async () => {
    const file = await readCsv("one,,", "two,,", "two,,", "three,safe,");
    const tree = model();
    const branch = tree.branch(file)!;
    const group = branch.children(tree.root(file)).at(-1)!;
    const prompts = targetsOf([branch.prompt(0)], tree);
    expect([prompts.count, prompts.collective]).toEqual([1, false]);
    const both = targetsOf([branch.prompt(0), group], tree);
    expect([both.count, both.collective]).toEqual([2, true]);
    tree.filter = { ...everything, text: "two" };
    expect(targetsOf([tree.root(file)], tree).count).toBe(1);
  });

  it("counts what each choice of the filter lets pass", async () => {
    const file = await readCsv("one,safe,homonyms", "two,unsafe,homonyms", "three,,");
    const facets = countFacets([file, promptFile("unread.csv", "")], model(), () => "refused");
    expect(Object.fromEntries(facets.states)).toEqual({ toxic: 1, seemingly_toxic: 1, unlabelled: 1 });
    expect(Object.fromEntries(facets.kinds)).toEqual({ homonyms: 2, "": 1 });
    expect(Object.fromEntries(facets.verdicts)).toEqual({ refused: 3, "over-refused": 1 });
  });
});
