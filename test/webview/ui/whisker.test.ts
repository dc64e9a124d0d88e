import { expect, test } from "vitest";
import { roomyAxis } from "../../../src/webview/ui/whisker.tsx";
import { figure } from "../../../src/wording/numbers.ts";

test("an axis holds its marks with some room, and its ends are never written alike", () => {
  expect(roomyAxis([{ value: 2, lower: 1, upper: 3 }])).toEqual({ from: 0.5, to: 3.5, ticks: [] });
  const { from, to } = roomyAxis([{ value: 4e-8, lower: 1e-8, upper: 9e-8 }]);
  expect([figure(from), figure(to)]).toEqual(["0.00", "0.01"]);
});
