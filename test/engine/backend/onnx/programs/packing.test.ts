import { expect, it } from "vitest";
import { bucket } from "../../../../../src/engine/backend/batching.ts";
import { indexVector, layoutKey, packRows } from "../../../../../src/engine/backend/onnx/programs/packing.ts";
import { sharedPrefixLength } from "../../../../../src/engine/backend/sharedPrefix.ts";

it.each([
  [[], 0],
  [[[1, 2, 3]], 0],
  [
    [
      [1, 2, 3],
      [1, 2, 4],
    ],
    2,
  ],
  [
    [
      [1, 2],
      [1, 2, 4],
    ],
    1,
  ],
  [
    [
      [1, 2],
      [1, 2],
    ],
    1,
  ],
  [[[5], [5]], 0],
  [
    [
      [1, 2],
      [3, 2],
    ],
    0,
  ],
  [
    [
      [1, 2, 3],
      [1, 2, 3, 4],
      [1, 9, 3],
    ],
    1,
  ],
  [[[], [1, 2]], 0],
])("rows %j share a prefix of %d tokens", (rows, length) => {
  expect(sharedPrefixLength(rows)).toBe(length);
});

it.each([
  [0, 8, 8],
  [1, 8, 8],
  [8, 8, 8],
  [9, 8, 16],
])("%d in buckets of %d is %d", (n, step, length) => {
  expect(bucket(n, step)).toBe(length);
});

it("lays out the prefix once and pads each row on the right", () => {
  const packed = packRows(
    [
      [1, 2, 3, 4],
      [1, 2, 5],
    ],
    [1, 2],
    4,
  );
  expect(packed.layout).toEqual({ prefix: 2, batch: 2, length: 4 });
  expect([...packed.ids.data]).toEqual([1, 2, 3, 4, 0, 0, 5, 0, 0, 0]);
  expect(packed.ids.data[packed.place(0, 1)]).toBe(4);
  expect(packed.ids.data[packed.place(1, 0)]).toBe(5);
  expect(layoutKey(packed.layout)).toBe("2+2x4");
});

it("refuses a row that does not begin with what all are said to share", () => {
  expect(() =>
    packRows(
      [
        [1, 2, 3],
        [1, 4, 5],
      ],
      [1, 2],
      4,
    ),
  ).toThrow(/row 1 does not begin with the 2 tokens/);
});

it("fills index vectors with zeros", () => {
  const { data, shape } = indexVector([4, 5], 4);
  expect([...data]).toEqual([4, 5, 0, 0]);
  expect(shape).toEqual([4]);
});
