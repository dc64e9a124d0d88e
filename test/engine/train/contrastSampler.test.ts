import { describe, expect, it } from "vitest";
import { type ContrastPrompt, ContrastSampler } from "../../../src/engine/train/contrastSampler.ts";
import { contrast } from "./contrast.ts";

const single = (label: ContrastPrompt["label"], id: number): ContrastPrompt => ({ ids: [id], label });

/** The prompts of several steps. */
function drawn(
  prompts: readonly ContrastPrompt[],
  options: { twins?: boolean; perKind?: number; seed?: number } = {},
) {
  const { twins = true, perKind, seed = 1 } = options;
  const sampler = new ContrastSampler(prompts, { batch: 4, twins, ...(perKind ? { perKind } : {}) }, seed);
  return Array.from({ length: 8 }, (_, step) => sampler.draw(step));
}

const toxicOf = (batch: readonly ContrastPrompt[]) => batch.filter(({ label }) => label === "toxic");

describe("a contrast batch", () => {
  it.each([
    ["twins", contrast, true],
    ["mixed", contrast, false],
    ["groups of unequal size", [...contrast, ...[1, 2, 3, 4, 5].map((id) => single("toxic", id))], true],
  ])("is half toxic, half seemingly toxic: %s", (_, prompts, twins) => {
    for (const batch of drawn(prompts, { twins })) {
      expect(batch.length).toBe(4);
      expect(toxicOf(batch).length).toBe(2);
    }
  });

  it("holds twins together, and every pair once an epoch", () => {
    const batches = drawn(contrast);
    for (const batch of batches) {
      const pairs = batch.map(({ pair }) => pair);
      expect(pairs.filter((pair, i) => pairs.indexOf(pair) === i).length).toBe(2);
    }
    for (const epoch of [batches.slice(0, 4), batches.slice(4)]) {
      expect(new Set(epoch.flat()).size).toBe(contrast.length);
    }
    expect(batches[0]).not.toEqual(batches[4]);
  });

  it("couples at random without twins, anew in every epoch", () => {
    const couples = (batches: ContrastPrompt[][]) =>
      batches.flatMap(([a, b, c, d]) => [`${a.pair} ${b.pair}`, `${c.pair} ${d.pair}`]).sort();
    const batches = drawn(contrast, { twins: false });
    expect(couples(batches.slice(0, 4))).not.toEqual(couples(batches.slice(4)));
    for (const epoch of [batches.slice(0, 4), batches.slice(4)]) {
      expect(new Set(epoch.flat()).size).toBe(contrast.length);
    }
  });

  it("couples what has no twin, the group with fewer of them borrowing from the pairs before it repeats", () => {
    const extra = [1, 2, 3, 4].map((id) => single("toxic", id));
    const few = [single("seemingly_toxic", 9), single("seemingly_toxic", 10)];
    const prompts = [...contrast, ...extra, ...few];
    // 8 pairs and 4 couples: 12 couples an epoch, 6 steps.
    const epoch = drawn(prompts).slice(0, 6).flat();
    const times = (prompt: ContrastPrompt) => epoch.filter((each) => each === prompt).length;
    for (const prompt of [...extra, ...few]) expect(times(prompt)).toBe(1);
    const seeming = contrast.filter(({ label }) => label === "seemingly_toxic").map(times);
    expect(seeming.toSorted()).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
  });

  it("repeats the smaller group evenly where nothing can be borrowed", () => {
    const prompts = [1, 2, 3, 4, 5, 6].map((id) => single("toxic", id));
    const few = [single("seemingly_toxic", 9), single("seemingly_toxic", 10)];
    const epoch = drawn([...prompts, ...few])
      .slice(0, 3)
      .flat();
    for (const prompt of prompts) expect(epoch.filter((each) => each === prompt).length).toBe(1);
    for (const prompt of few) expect(epoch.filter((each) => each === prompt).length).toBe(3);
  });

  it("borrows another partner in another epoch, not the first of the file", () => {
    const lonely = single("toxic", 1);
    const prompts = [...contrast, lonely];
    const sampler = new ContrastSampler(prompts, { batch: 4, twins: true }, 1);
    const all = Array.from({ length: 90 }, (_, step) => sampler.draw(step)).flat();
    const partners = all.flatMap((prompt, i) => (prompt === lonely ? [all[i + 1].pair] : []));
    expect(partners.length).toBe(20);
    expect(new Set(partners).size).toBeGreaterThan(3);
    for (const prompt of all) expect(prompt).toBeDefined();
  });

  it("is of one kind where kinds keep together", () => {
    for (const batch of drawn(contrast, { perKind: 4 })) {
      expect(new Set(batch.map(({ kind }) => kind)).size).toBe(1);
    }
  });

  it("is a function of seed and step", () => {
    expect(drawn(contrast)).toEqual(drawn(contrast));
    expect(drawn(contrast, { seed: 2 })).not.toEqual(drawn(contrast));
    const sampler = new ContrastSampler(contrast, { batch: 4, twins: true }, 1);
    expect(sampler.draw(7)).toEqual(drawn(contrast)[7]);
    expect(sampler.draw(2)).toEqual(drawn(contrast)[2]);
  });

  it.each([
    ["toxic", contrast.filter(({ label }, i) => label !== "toxic" || i === 0)],
    ["seemingly_toxic", contrast.filter(({ label }) => label === "toxic")],
  ])("cannot be drawn with too few %s prompts", (label, prompts) => {
    expect(() => new ContrastSampler(prompts, { batch: 4, twins: true }, 1)).toThrow(
      expect.objectContaining({ code: "group-too-small", message: expect.stringContaining(label) }),
    );
  });
});
