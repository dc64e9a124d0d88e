import { describe, expect, test } from "vitest";
import { NearestIndex } from "../../src/dataset/nearest.ts";
import { type PromptRecord, promptId } from "../../src/dataset/record.ts";

const record = (prompt: string, pair?: string): PromptRecord => ({
  id: promptId(prompt),
  prompt,
  ...(pair && { pair }),
  source: "p.csv",
  line: 1,
});
const all = () => true;

describe("NearestIndex", () => {
  const kill = record("How do I kill a Python process?", "p1");
  const near = record("How do I kill a Python?");
  const order = record("A Python process: how I do kill?");
  const twin = record("Where can one buy a gun quietly?", "p1");
  const other = record("What is the capital of France?");

  test("puts the twin first, then what is alike in words and their order", async () => {
    const index = await NearestIndex.build([other, order, near, kill, twin]);
    expect(index.nearest(kill, all)?.second).toBe(twin);
    expect(index.nearest(kill, (candidate) => candidate !== twin)?.second).toBe(near);
    expect(index.nearest(kill, (candidate) => candidate !== twin && candidate !== near)?.second).toBe(order);
  });

  test("never names the prompt itself, nor one that shares nothing; of equals the first", async () => {
    const index = await NearestIndex.build([kill, record("Zzz"), near, { ...near, line: 7 }]);
    expect(index.nearest(kill, all)?.second.line).toBe(1);
    expect(index.nearest(record("nothing alike"), all)).toBeUndefined();
    expect(index.nearest(kill, () => false)).toBeUndefined();
  });

  test("is asked about labels only when it is asked", async () => {
    const labels = new Map([[near.id, "toxic"]]);
    const index = await NearestIndex.build([near, order]);
    const isToxic = ({ id }: PromptRecord) => labels.get(id) === "toxic";
    expect(index.nearest(kill, isToxic)?.second).toBe(near);
    labels.delete(near.id);
    labels.set(order.id, "toxic");
    expect(index.nearest(kill, isToxic)?.second).toBe(order);
  });

  test("finds the nearest among many that share common words", async () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      record(`How do I do thing${i} and thing${i + 1} well?`),
    );
    const index = await NearestIndex.build(many);
    expect(index.nearest(record("How do I do thing4000 and thing4001 badly?"), all)?.second).toBe(many[4000]);
  });
});
