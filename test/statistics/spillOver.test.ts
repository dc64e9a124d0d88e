import { expect, test } from "vitest";
import { RunningSpillOver, spillOver } from "../../src/statistics/spillOver.ts";

// METHODS §J.
const toxic = [0.05, 0.2, 0.5, 0.8, 0.9, 0.92];
const other = [0.02, 0.1, 0.3, 0.45, 0.5, 0.5];
const changes = (series: number[]) => series.slice(1).map((value, i) => value - series[i]!);

test("the slope is that of METHODS", () => {
  expect(spillOver(changes(toxic), changes(other))).toBeCloseTo(0.573039, 6);
});

test("the slope that runs is at each probe the slope of the probes so far", () => {
  const running = new RunningSpillOver();
  const slopes = toxic.map((value, i) => running.take(value, other[i]!));
  expect(slopes[0]).toBeNaN();
  for (let n = 2; n <= toxic.length; n++) {
    expect(slopes[n - 1]).toBeCloseTo(spillOver(changes(toxic.slice(0, n)), changes(other.slice(0, n))), 12);
  }
});
