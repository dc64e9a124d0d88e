import { expect, it } from "vitest";
import { isAncestor } from "../../../../../src/engine/backend/onnx/programs/score.ts";
import { tokenTrie } from "../../../../../src/engine/probe/tokenTrie.ts";

it("knows what lies on a path", () => {
  const trie = tokenTrie([
    [1, 2, 3],
    [1, 4, 5],
    [6, 7],
  ]);
  const at = (token: number) => trie.nodes.findIndex((node) => node.token === token);
  expect(isAncestor(trie, at(1), at(2))).toBe(true);
  expect(isAncestor(trie, at(2), at(2))).toBe(true);
  expect(isAncestor(trie, at(2), at(1))).toBe(false);
  expect(isAncestor(trie, at(2), at(4))).toBe(false);
  expect(isAncestor(trie, at(6), at(2))).toBe(false);
});
