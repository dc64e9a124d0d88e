import { describe, expect, it } from "vitest";
import { storageFormats } from "../../src/engine/model/formats/formats.ts";
import type { StorageType } from "../../src/engine/model/weights.ts";
import { readGolden } from "./golden.ts";

interface Blocks {
  block: number;
  bytes_per_block: number;
  hex: string;
  values: number[];
}

describe("GGUF blocks equal gguf-py's values", () => {
  it.each(Object.entries(readGolden<Record<string, Blocks>>("gguf_blocks.json")))(
    "%s",
    (name, { block, bytes_per_block, hex, values }) => {
      const format = storageFormats[name as StorageType];
      expect(format).toMatchObject({ blockElements: block, blockBytes: bytes_per_block });
      const out = new Float32Array(values.length + 1).fill(7);
      format.dequantise(Buffer.from(hex, "hex"), out, 1);
      expect(out[0]).toBe(7);
      for (const [i, value] of values.entries()) {
        expect(Math.abs(out[i + 1]! - value), `value ${i}`).toBeLessThanOrEqual(1e-6 * Math.abs(value));
      }
    },
  );
});
