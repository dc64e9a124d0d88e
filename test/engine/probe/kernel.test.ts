import { describe, expect, it } from "vitest";
import type { GradientSum } from "../../../src/engine/backend/backend.ts";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import type { StateSession } from "../../../src/engine/probe/definition.ts";
import { drawnPrompts } from "../../../src/engine/probe/drawnPrompts.ts";
import { kernelFigure } from "../../../src/engine/probe/kernel/blocks.ts";
import { kernelBetweenPrompts } from "../../../src/engine/probe/kernel/kernel.ts";
import { norms, summed } from "../../../src/engine/probe/kernel/norms.ts";
import { goldenPath, readGolden } from "../../golden/golden.ts";
import { measuredOn, type Words } from "./measured.ts";

interface Expected {
  readonly model: string;
  readonly adapter?: string;
  readonly prompts: number[][];
  readonly norms: Record<string, { all: number[]; top: number[] }>;
}

const cases = readGolden<Expected[]>("kernel.json");

/** Prompts whose words are their tokens. */
const prompts = (texts: readonly number[][]): Words[] =>
  texts.map((ids, i) => ({
    prompt: ids.join(" "),
    group: (["toxic", "seemingly_toxic", "general"] as const)[i]!,
  }));

const idsOf = (words: string) => words.split(" ").map(Number);

/** @param template tokens that stand before every prompt where it is not measured alone. */
async function measured(
  model: string,
  options: Record<string, unknown>,
  words: readonly Words[],
  template: readonly number[] = [],
) {
  const loaded = await loadModel(goldenPath("tiny", model));
  const { backend } = await openBackend({ device: "cpu", threads: 1, memory: "keep" }, loaded);
  const encoder = {
    prompt: async (text: string) => [...template, ...idsOf(text)],
    alone: async (texts: readonly string[]) => texts.map(idsOf),
    openings: async () => [[1]],
  };
  const session = { backend, loaded, encoder, learned: [] } as unknown as StateSession;
  try {
    return await measuredOn(kernelBetweenPrompts, session, { prompts: words, options });
  } finally {
    await backend.dispose();
  }
}

const expectedOf = (model: string) =>
  cases.find((each) => each.model === model && each.adapter === undefined)!;

describe("the kernel between prompts", () => {
  it.each([
    ["llama", { parameters: "all" }, "everything"],
    ["gemma2", { parameters: "blocks" }, "blocks"],
    ["gemma2", { parameters: "below", layer: 1 }, "blocks before 1"],
    ["llama", { parameters: "from", layer: 1 }, "blocks from 1"],
    ["gemma2", { parameters: "last", last: 2 }, "last 2 and head"],
  ])("of top logits is that of PyTorch's whole Jacobians: %s, %j", async (model, options, scope) => {
    const expected = expectedOf(model);
    const { figures } = await measured(model, { ...options, top: 3, draws: 10 }, prompts(expected.prompts));
    const found = figures.states[0]!.kernel.norm.flat();
    for (const [i, norm] of expected.norms[scope]!.top.entries()) {
      expect(Math.abs(found[i]! / norm - 1), `${i}`).toBeLessThan(1e-4);
    }
  });

  it("of all logits is that of PyTorch's whole Jacobians within four stated errors, on the diagonal too", async () => {
    const expected = expectedOf("llama");
    const options = { logits: "random", probes: 64, parameters: "all", draws: 20 };
    const { figures, tables, caveats } = await measured("llama", options, prompts(expected.prompts));
    expect(figures.relativeError).toBe(1 / 8);
    const [state] = figures.states;
    for (const [i, norm] of expected.norms.everything!.all.entries()) {
      expect(Math.abs(state!.kernel.norm.flat()[i]! / norm - 1)).toBeLessThan(4 / 8);
    }
    // Over all pairs the mean is nearer than one pair's.
    const ratios = expected.norms.everything!.all.map((norm, i) => state!.kernel.norm.flat()[i]! / norm);
    expect(Math.abs(ratios.reduce((sum, x) => sum + x, 0) / ratios.length - 1)).toBeLessThan(1 / 8);
    for (const { norm } of state!.kernel.blocks) {
      expect(norm.lower).toBeLessThan(norm.value!);
      expect(norm.upper).toBeGreaterThan(norm.value!);
    }
    expect(caveats.join(" ")).toMatch(/64 random probes.*13 %/);
    expect(tables.map(({ id }) => id)).toEqual(["blocks", "controls", "pairs", "layers", "parts"]);
  });

  it("says what it measured, what each layer and part have of it, and what it costs", async () => {
    const expected = expectedOf("llama");
    const { figures, tables, plan } = await measured(
      "llama",
      { parameters: "all", top: 3, draws: 10 },
      prompts(expected.prompts),
    );
    expect(figures.measured).toEqual([0, 1, 2]);
    const total = expected.prompts.reduce((sum, ids) => sum + ids.length, 0);
    expect(figures.tokens.total).toBe(total);
    expect(plan).toMatchObject({ forwardPasses: 6, backwardPasses: 9, backwardTokens: 3 * total });
    const [state] = figures.states;
    for (const shares of [state!.layers, state!.parts]) {
      expect(shares.reduce((sum, { share }) => sum + share!, 0)).toBeCloseTo(1, 6);
    }
    expect(state!.withoutHead!.norm.flat()).not.toEqual(state!.kernel.norm.flat());
    expect(state!.kernel.blocks.map(({ between, pairs }) => [between, pairs])).toEqual([
      ["toxic × seemingly_toxic", 1],
      ["toxic × general", 1],
      ["seemingly_toxic × general", 1],
    ]);
    const pairs = tables.find(({ id }) => id === "pairs")!;
    expect(pairs.rows).toHaveLength(2 * 9);
    expect(pairs.rows[0]!.slice(4)).toEqual(["itself", state!.kernel.norm[0]![0], 1, 1]);
  });

  it("plans and measures prompts without the template where they stand alone", async () => {
    const expected = expectedOf("llama");
    const total = expected.prompts.reduce((sum, ids) => sum + ids.length, 0);
    const of = (text: string) =>
      measured("llama", { text, parameters: "all", top: 3, draws: 10 }, prompts(expected.prompts), [5, 6, 7]);
    const [raw, templated] = [await of("raw"), await of("template")];
    expect(raw.plan).toMatchObject({ forwardTokens: 2 * total, backwardTokens: 3 * total });
    expect(templated.plan).toMatchObject({ forwardTokens: 2 * (total + 9), backwardTokens: 3 * (total + 9) });
    expect([raw, templated].map(({ figures }) => figures.tokens.total)).toEqual([total, total + 9]);
    for (const [i, norm] of expected.norms.everything!.top.entries())
      expect(raw.figures.states[0]!.kernel.norm.flat()[i]! / norm).toBeCloseTo(1, 4);
  });

  it("refuses layers that the model does not have, and an adapter that a state has not", async () => {
    const words = prompts(expectedOf("llama").prompts);
    await expect(measured("llama", { parameters: "from", layer: 9 }, words)).rejects.toThrow(
      /layer is 9; the model has/,
    );
    await expect(measured("llama", { parameters: "last", last: 9 }, words)).rejects.toThrow(/last is 9/);
    await expect(measured("llama", { parameters: "adapter" }, words)).rejects.toThrow(
      /untrained has no adapter/,
    );
  });
});

describe("norms of a kernel", () => {
  // z = Wx with θ = W: ⟨∇z_s(x), ∇z_t(x′)⟩ is ⟨x, x′⟩ for s = t, and 0 otherwise.
  const texts = [
    { x: [1, 2], tokens: [0, 2] },
    { x: [3, -1], tokens: [2, 5] },
  ];
  const gradients = texts.flatMap(({ x, tokens }) => tokens.map((token) => ({ x, token })));
  const products = Float64Array.from(
    gradients.flatMap((a) =>
      gradients.map((b) => (a.token === b.token ? a.x[0]! * b.x[0]! + a.x[1]! * b.x[1]! : 0)),
    ),
  );
  const sums: GradientSum[] = [{ layer: 0, part: "all", products }];

  it("of z = Wx are |⟨x, x′⟩| times the root of the number of shared logits", () => {
    const found = norms(
      summed(2, 2, sums, () => 1),
      false,
    );
    const expected = [5 * Math.SQRT2, 1, 1, 10 * Math.SQRT2];
    for (const [i, norm] of expected.entries()) expect(found[i]).toBeCloseTo(norm, 12);
    const design = { groups: ["toxic", "general"] as const, matched: [], draws: 5, seed: 0 };
    const { ratio, symmetric } = kernelFigure(found, design, null);
    expect(ratio[0]![1]).toBeCloseTo(0.141421, 6);
    expect(symmetric[0]![1]).toBeCloseTo(0.1, 12);
  });

  it("are set beside shuffled labels and permuted counterparts, which leave no contrast", () => {
    // Toxic prompts are alike, so are seemingly toxic ones, and each is nearest to its counterpart.
    const n = 16;
    const groups = Array.from({ length: n }, (_, i) =>
      i < 8 ? ("toxic" as const) : ("seemingly_toxic" as const),
    );
    const matched = Array.from({ length: 8 }, (_, i) => [i, i + 8] as const);
    const norm = new Float64Array(n * n).map((_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      if (i === j) return 1;
      return Math.abs(i - j) === 8 ? 0.9 : groups[i] === groups[j] ? 0.5 : 0.2;
    });
    const {
      blocks,
      contrast,
      spill,
      matched: found,
    } = kernelFigure(norm, { groups, matched, draws: 400, seed: 1 }, null);
    expect(blocks.map(({ between, pairs, norm: own }) => [between, pairs, own.value])).toEqual([
      ["toxic × toxic", 28, expect.closeTo(0.5, 12)],
      ["toxic × seemingly_toxic", 56, expect.closeTo(0.2, 12)],
      ["seemingly_toxic × seemingly_toxic", 28, expect.closeTo(0.5, 12)],
      ["matched", 8, expect.closeTo(0.9, 12)],
    ]);
    expect(contrast!.value).toBeCloseTo(0.3, 12);
    expect(Math.abs(contrast!.chance.mean!)).toBeLessThan(0.02);
    expect(contrast!.chance.p).toBeLessThan(0.01);
    expect(spill).toBeNull();
    expect(found!.value).toBeCloseTo(0.9, 12);
    expect(found!.chance.mean).toBeLessThan(0.4);
    expect(found!.chance.p).toBeLessThan(0.01);
  });
});

it("draws prompts of each group by the seed, those with a counterpart first", () => {
  const all = [
    ...Array.from({ length: 10 }, () => ({ group: "toxic" as const })),
    { group: "toxic" as const, pair: "a" },
    ...Array.from({ length: 10 }, () => ({ group: "seemingly_toxic" as const })),
    { group: "seemingly_toxic" as const, pair: "a" },
    { group: "general" as const },
  ];
  const drawn = drawnPrompts(all, 3, 5);
  expect(drawn).toHaveLength(7);
  expect(drawn).toEqual(expect.arrayContaining([10, 21, 22]));
  expect(drawnPrompts(all, 3, 5)).toEqual(drawn);
  expect(drawnPrompts(all, 3, 6)).not.toEqual(drawn);
});
