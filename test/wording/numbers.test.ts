import { describe, expect, test } from "vitest";
import {
  byteSize,
  count,
  counted,
  duration,
  estimate,
  figure,
  interval,
  milliseconds,
  pace,
  parameterCount,
  percent,
  probability,
  pValue,
  quantity,
  signed,
  signedEstimate,
} from "../../src/wording/numbers.ts";

describe("figures", () => {
  test("have the digits of their unit", () => {
    expect([figure(0.62), figure(0.6), figure(1), figure(-0.125)]).toEqual(["0.62", "0.60", "1.00", "−0.13"]);
    expect([figure(0.624, "share"), figure(1.64123, "nats"), figure(0.0414, "points")]).toEqual([
      "62 %",
      "1.641",
      "4.1 points",
    ]);
  });

  test("carry when they are rounded, and lose a sign that rounding took the reason from", () => {
    expect([figure(0.996), figure(0.9999), figure(9.9996, "nats")]).toEqual(["1.00", "1.00", "10.000"]);
    // In binary, 0.575 · 100 lies below 57.5, and 1.005 below itself.
    expect([figure(0.575, "share"), figure(1.005), signed(-0.0005, "points")]).toEqual([
      "58 %",
      "1.01",
      "−0.1 points",
    ]);
    expect([figure(-0.001), figure(-0), signed(0.001), signed(-0.0004, "points")]).toEqual([
      "0.00",
      "0.00",
      "0.00",
      "0.0 points",
    ]);
  });

  test("that are not known are a dash", () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const word of [
        figure,
        signed,
        percent,
        probability,
        pValue,
        quantity,
        count,
        byteSize,
        duration,
        milliseconds,
        pace,
      ]) {
        expect(word(value)).toBe("–");
      }
    }
    expect(estimate(null)).toBe("–");
    expect(estimate({ value: Number.NaN, lower: 0, upper: 1 })).toBe("–");
    expect(interval({ lower: Number.NaN, upper: 1 })).toBe("[–, 1.00]");
  });

  test("of differences have a sign, and the minus is one", () => {
    expect([signed(0.041), signed(-0.041), signed(0.0741, "points")]).toEqual([
      "+0.04",
      "−0.04",
      "+7.4 points",
    ]);
  });
});

describe("intervals", () => {
  test("stand in brackets, without the unit of the value before them", () => {
    expect(estimate({ value: 0.62, lower: 0.55, upper: 0.691 })).toBe("0.62 [0.55, 0.69]");
    expect(estimate({ value: 0.62, lower: 0.55, upper: 0.691 }, "share")).toBe("62 % [55, 69]");
    expect(estimate({ value: 1.641 }, "nats")).toBe("1.641");
    expect(signedEstimate({ value: -0.041, lower: -0.105, upper: 0.02 }, "points")).toBe(
      "−4.1 points [−10.5, +2.0]",
    );
    expect(interval({ lower: -0.001, upper: 0.2 })).toBe("[0.00, 0.20]");
  });
});

describe("shares and probabilities", () => {
  test("that are nearly none or all are not written as none or all", () => {
    expect([0, 0.004, 0.005, 0.5, 0.994, 0.996, 1].map(percent)).toEqual([
      ...["0 %", "< 1 %", "1 %", "50 %", "99 %", "> 99 %", "100 %"],
    ]);
    expect([0, 0.001, 0.01, 0.625, 0.994, 0.9999, 1].map(probability)).toEqual([
      ...["0.00", "< 0.01", "0.01", "0.63", "0.99", "> 0.99", "1.00"],
    ]);
  });

  test("p-values have three decimals, and small ones say no more than that", () => {
    expect([0, 0.0009, 0.001, 0.0314, 1].map(pValue)).toEqual([
      "< 0.001",
      "< 0.001",
      "0.001",
      "0.031",
      "1.000",
    ]);
  });
});

test("quantities have four significant digits, whatever their size", () => {
  expect([2e-4, 1234567, 0.5, -12.3456, -0, 1.23456e-7].map(quantity)).toEqual([
    ...["0.0002", "1235000", "0.5", "−12.35", "0", "1.235e−7"],
  ]);
});

test("counts are grouped, and their things follow them in number", () => {
  expect([0, 12, 1234567].map(count)).toEqual(["0", "12", "1,234,567"]);
  expect([counted(1, "prompt"), counted(0, "prompt"), counted(1200, "category", "categories")]).toEqual([
    ...["1 prompt", "0 prompts", "1,200 categories"],
  ]);
});

test("sizes are rounded before their unit is chosen", () => {
  expect([0, 12, 12_400, 999_600, 94e6, 999_960_000, 1.62e9, 3.1e12].map(byteSize)).toEqual([
    ...["0 kB", "1 kB", "12 kB", "1 MB", "94 MB", "1.0 GB", "1.6 GB", "3.1 TB"],
  ]);
  expect([27_000, 134_515_008, 999_960_000, 1.7e9].map(parameterCount)).toEqual([
    "27 K",
    "135 M",
    "1.0 B",
    "1.7 B",
  ]);
});

test("durations are as exact as their length asks for", () => {
  expect([0, 0.2, 0.6, 40, 89.4, 89.7, 185, 3580, 3900, 86_400, 180_000].map(duration)).toEqual([
    ...["0 s", "< 1 s", "1 s", "40 s", "89 s", "1 min", "3 min", "1 h 00 min"],
    ...["1 h 05 min", "24 h 00 min", "2 d 2 h"],
  ]);
  expect(duration(-1)).toBe("–");
  expect([pace(0.8249), pace(12.3)]).toEqual(["0.82 s", "12.30 s"]);
  expect([milliseconds(0.01234), milliseconds(20.449), milliseconds(1234.6)]).toEqual([
    "0.0123 ms",
    "20.4 ms",
    "1230 ms",
  ]);
});
