import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Range } from "../../../src/extension/prompts/ranges.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Every range of a tree, the root first. */
function all(range: Range): Range[] {
  return [range, ...range.children.flatMap((child) => (child instanceof Range ? all(child) : []))];
}

describe("ranges of a group", () => {
  it("keep a group of 200 in one list", () => {
    expect(Range.of(upTo(200)).children).toEqual(upTo(200));
  });

  it("divide a larger group into lists of 200", () => {
    const { children } = Range.of(upTo(450));
    expect(children.map((range) => [(range as Range).first, (range as Range).last])).toEqual([
      [0, 199],
      [200, 399],
      [400, 449],
    ]);
  });

  it.each([80_000, 1_000_000])("give no node of %i prompts more than 400 children", (count) => {
    const root = Range.of(upTo(count));
    expect(root.count).toBe(count);
    expect(Math.max(...all(root).map(({ children }) => children.length))).toBeLessThanOrEqual(400);
  });

  it("change one list when a prompt goes", () => {
    const root = Range.of(upTo(80_000));
    const changed = root.remove(12_345);
    expect(changed).toBe(root.children[61]);
    expect(changed.count).toBe(199);
    expect(root.count).toBe(79_999);
  });

  it("change what is above a list that has grown too long or empty", () => {
    const full = Range.of(upTo(400).map((number) => 3 * number));
    for (let i = 0; i < 200; i++) full.add(3 * i + 1);
    expect(full.children).toHaveLength(2);
    expect(full.add(2)).toBe(full);
    expect(full.children).toHaveLength(3);
    const two = Range.of(upTo(201));
    expect(two.remove(200)).toBe(two);
    expect(two.children).toHaveLength(1);
  });

  it("hold what was put in and not taken out, in order, whatever happens", () => {
    const steps = fc.array(fc.tuple(fc.nat(999), fc.boolean()), { maxLength: 2000, size: "max" });
    fc.assert(
      fc.property(fc.nat(900), steps, (start, changes) => {
        const expected = new Set(upTo(start));
        const root = Range.of(upTo(start));
        for (const [number, adds] of changes) {
          if (adds && !expected.has(number)) {
            root.add(number);
            expected.add(number);
          } else if (!adds && expected.delete(number)) root.remove(number);
        }
        const ranges = all(root);
        expect(root.numbers()).toEqual([...expected].sort((a, b) => a - b));
        expect(new Set(ranges.map(({ id }) => id)).size).toBe(ranges.length);
        for (const range of ranges) {
          expect(range.count).toBe(range.numbers().length);
          expect(range.children.length).toBeLessThanOrEqual(400);
        }
      }),
      { numRuns: 30 },
    );
  });
});
