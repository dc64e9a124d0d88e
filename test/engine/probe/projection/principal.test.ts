import { describe, expect, it } from "vitest";
import { coordinates, principalComponents } from "../../../../src/engine/probe/projection/principal.ts";
import { betweenShare, silhouette } from "../../../../src/engine/probe/projection/separation.ts";
import { readGolden } from "../../../golden/golden.ts";

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly groups: string[];
  readonly features: number[];
  readonly fitted: number;
  readonly components: number[];
  readonly explained: number[];
  readonly places: number[];
  readonly silhouette: number;
  readonly between: number;
}
const cases = readGolden<Case[]>("projection.json").map((one) => ({
  ...one,
  about: `${one.rows} × ${one.columns}`,
}));

const features = ({ rows, columns, features: data }: Case, count = rows) => ({
  count,
  width: columns,
  data: Float32Array.from(data.slice(0, count * columns)),
});

const close = (values: readonly number[], digits: number) =>
  values.map((value) => expect.closeTo(value, digits));

describe.each(cases)("features of $about", (golden) => {
  const basis = principalComponents(features(golden, golden.fitted), 3);

  it("have scikit-learn's components, with their signs, and shares of the variance", () => {
    expect(basis.components.flatMap((component) => [...component])).toEqual(close(golden.components, 7));
    expect(basis.explained).toEqual(close(golden.explained, 8));
  });

  it("have its coordinates, those of rows that the basis was not fitted on included", () => {
    const along = coordinates(features(golden), basis);
    const rows = Array.from({ length: golden.rows }, (_, i) => along.map((column) => column[i]));
    expect(rows.flat()).toEqual(close(golden.places, 5));
  });

  it("have its silhouette, and NumPy's share of the variance between groups", () => {
    const [x, y] = coordinates(features(golden), basis);
    expect(silhouette({ x: x!, y: y! }, golden.groups)).toBeCloseTo(golden.silhouette, 6);
    expect(betweenShare([x!, y!], golden.groups)).toBeCloseTo(golden.between, 6);
  });
});

it("has as many components as features vary in, and shares of 0 where they do not vary", () => {
  const line = { count: 4, width: 3, data: Float32Array.from([0, 0, 1, 1, 1, 1, 2, 2, 1, 3, 3, 1]) };
  const { components, explained } = principalComponents(line, 3);
  expect(explained).toEqual([expect.closeTo(1, 12)]);
  expect([...components[0]!]).toEqual([Math.SQRT1_2, Math.SQRT1_2, 0].map((x) => expect.closeTo(x, 12)));
  const same = { count: 5, width: 3, data: new Float32Array(15).fill(2) };
  expect(principalComponents(same, 2).components).toEqual([]);
});

it("ends where it is cancelled", () => {
  const check = () => {
    throw new Error("cancelled");
  };
  expect(() => principalComponents(features(cases[0]!), 2, { check })).toThrow("cancelled");
});
