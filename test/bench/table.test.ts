import { expect, test } from "vitest";
import { tables } from "./table.ts";

test("the bench prints medians, speed-ups of neighbours in time, memory, warm-up, and who is faster", () => {
  const printed = tables([
    {
      title: "a step",
      ours: { title: "Discern", seconds: [1, 2, 3], peakBytes: 1e9 },
      others: [
        { title: "PyTorch f32", seconds: [2, 4, 9], peakBytes: 2e9, warmUpSeconds: 4 },
        { title: "PyTorch bf16 compiled", seconds: [0.5, 1, 2.9], peakBytes: 1.6e9, warmUpSeconds: 234.2 },
      ],
      goal: { against: "PyTorch f32", speed: 2.5, memory: 0.6 },
    },
    { title: "start-up", ours: { title: "Discern", seconds: [0.1] }, others: [] },
  ]).split("\n");
  expect(printed[2]).toBe(
    "| a step | 2.00 (1.00–3.00) | 4.00 (2.00–9.00) | 2.00× (goal 2.5: not reached) | 1.00 (0.500–2.90) | 0.500× |",
  );
  expect(printed[3]).toBe("| start-up | 0.100 (0.100–0.100) |  |  |  |  |");
  expect(printed[7]).toBe("| a step | 1.00 | 2.00 (50 % (goal 60 %)) | 4.00 | 1.60 (63 %) | 234 |");
  expect(printed.at(-1)).toBe("PyTorch bf16 compiled is faster: a step, 2.00×");
});
