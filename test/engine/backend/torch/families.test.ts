import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { families } from "../../../../src/engine/model/families.ts";
import { pythonEnvironment } from "../../../../src/engine/python/probe.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";

const skipped = skipWithoutTorch("Families of models on PyTorch");

/** What `families.py` found of one naming row. */
interface Found {
  readonly logits: number;
  readonly residual: number;
  readonly linears: { readonly named: string[]; readonly there: string[] };
  readonly greedy: boolean;
}

const worker = join(import.meta.dirname, "../../../../src/engine/backend/torch");
const found: Record<string, Found> = skipped ? {} : await heldToTransformers();

async function heldToTransformers(): Promise<Record<string, Found>> {
  const { stdout } = await execa(testPython!, [join(import.meta.dirname, "families.py")], {
    env: { ...pythonEnvironment, PYTHONPATH: worker, OMP_NUM_THREADS: "1" },
  });
  return JSON.parse(stdout) as Record<string, Found>;
}

describe.skipIf(skipped)("the worker's naming rows", () => {
  it("describe every family that the engine reads", () => {
    expect(Object.keys(found)).toEqual(expect.arrayContaining(Object.keys(families)));
  });

  it.each(Object.entries(found))(
    "tell where things are in %s",
    (_, { logits, residual, linears, greedy }) => {
      expect(logits).toBeLessThan(1e-5);
      expect(residual).toBeLessThan(1e-5);
      expect(linears.named).toEqual(linears.there);
      expect(greedy).toBe(true);
    },
  );
});
