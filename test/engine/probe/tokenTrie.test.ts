import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spellings, tokenTrie, trieProbability } from "../../../src/engine/probe/tokenTrie.ts";

/** The openings a trie completes, as paths of tokens. */
function openings(trie: ReturnType<typeof tokenTrie>): string[] {
  const path = (node: number): number[] =>
    node < 0 ? [] : [...path(trie.nodes[node].parent), trie.nodes[node].token];
  return trie.edges
    .filter(({ child }) => child === null)
    .map(({ parent, token }) => [...path(parent), token].join(" "))
    .sort();
}

describe("token trie", () => {
  it("runs shared beginnings once, and last tokens not at all", () => {
    const { nodes, edges } = tokenTrie([
      [1, 2, 3],
      [1, 2, 4],
      [1, 5],
    ]);
    expect(nodes).toEqual([
      { parent: -1, token: 1, depth: 1 },
      { parent: 0, token: 2, depth: 2 },
    ]);
    expect(edges.length).toBe(5);
  });

  it.each([
    [
      "an opening that begins with another",
      [
        [1, 2],
        [1, 2, 3],
        [1, 2, 3, 4],
      ],
      ["1 2"],
    ],
    [
      "whatever their order",
      [
        [1, 2, 3],
        [1, 2],
      ],
      ["1 2"],
    ],
    ["the same opening twice", [[7], [7]], ["7"]],
    ["no token at all", [[], [7]], ["7"]],
    [
      "openings that share only the end",
      [
        [1, 9],
        [2, 9],
      ],
      ["1 9", "2 9"],
    ],
  ])("leaves out %s", (_, sequences, kept) => {
    expect(openings(tokenTrie(sequences))).toEqual(kept);
  });

  it("adds up the products along its paths, for any set of openings", () => {
    const sequence = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 8 }), (sequences) => {
        // A language in which each of four tokens depends on the one before it.
        const p = (before: number, token: number) => (1 + ((before + token) % 4)) / 10;
        const trie = tokenTrie(sequences);
        const probability = trieProbability(trie, (edge) => {
          const { parent, token } = trie.edges[edge];
          return Math.log(p(parent < 0 ? 1 : trie.nodes[parent].token, token));
        });
        const kept = sequences
          .map((tokens) => tokens.join())
          .filter((text, i, all) => all.indexOf(text) === i)
          .filter((text, _, all) => !all.some((other) => text.startsWith(`${other},`)));
        const expected = kept.reduce((sum, text) => {
          const tokens = text.split(",").map(Number);
          return sum + tokens.reduce((product, t, i) => product * p(i === 0 ? 1 : tokens[i - 1], t), 1);
        }, 0);
        expect(probability).toBeCloseTo(expected, 10);
        expect(probability).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("is nothing without openings, and never more than 1", () => {
    expect(trieProbability(tokenTrie([]), () => 0)).toBe(0);
    expect(trieProbability(tokenTrie([[1], [2]]), () => Math.log(0.5 + 1e-7))).toBe(1);
  });
});

it.each([
  ["Sorry", ["Sorry", " Sorry"]],
  ["I can't", ["I can't", " I can't", "I can’t", " I can’t"]],
  [" I can’t ", ["I can't", " I can't", "I can’t", " I can’t"]],
])("spells %j with both apostrophes, with and without a space", (opening, expected) => {
  expect(spellings(opening)).toEqual(expected);
});
