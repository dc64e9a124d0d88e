import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseGguf } from "../../../../src/engine/model/gguf/gguf.ts";
import { DiscernError } from "../../../../src/protocol/errors.ts";
import { ggufFile } from "../ggufFile.ts";

const parse = (bytes: Uint8Array) =>
  parseGguf({
    file: "model.gguf",
    bytes: bytes.length,
    read: (position, length) => bytes.slice(position, position + length),
  });

const good = () =>
  ggufFile(
    {
      "general.name": { text: "é" },
      count: { u32: 7 },
      rate: { f32: 0.5 },
      flag: { bool: true },
      words: { texts: ["a", ""] },
      scores: { numbers: [1, -2] },
    },
    {
      w: { shape: [2, 32], type: 8, bytes: new Uint8Array(68) },
      b: { shape: [3], type: 0, bytes: new Uint8Array(12) },
    },
  );

/** `good()` with `bytes` written over it at `at`. */
const damaged = (at: number, ...bytes: number[]) => {
  const file = good();
  file.set(bytes, at);
  return file;
};

describe("parseGguf", () => {
  it("reads metadata of every kind and the tensors' places", () => {
    const { metadata, tensors } = parse(good());
    expect(Object.fromEntries(metadata)).toEqual({
      "general.name": "é",
      count: 7,
      rate: 0.5,
      flag: true,
      words: ["a", ""],
      scores: [1, -2],
    });
    const [w, b] = [tensors.get("w")!, tensors.get("b")!];
    expect([w.shape, w.format.name, w.bytes]).toEqual([[2, 32], "Q8_0", 68]);
    expect(b.begin - w.begin).toBe(96);
  });

  it("says of a file cut anywhere that it is cut", () => {
    const file = good();
    // What follows the last tensor's 12 bytes is padding.
    for (let length = 0; length < file.length - 20; length++) {
      expect(() => parse(file.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: "weights-invalid" }),
      );
    }
    expect(() => parse(file.subarray(0, file.length - 21))).toThrow(/"b".*but the file has.*cut short/);
  });

  it.each([
    ["another format", damaged(0, 0), /does not begin with GGUF/],
    ["an old version", damaged(4, 1), /version 1 is not read/],
    ["a big-endian file", damaged(4, 0, 0, 0, 3), /version 50331648 is not read/],
    ["an absurd tensor count", damaged(8, 0, 0, 0, 0, 1), /tensor count: \d+ is more than the limit/],
    ["an absurd metadata count", damaged(16, 0, 0, 0, 1), /metadata count/],
    ["an absurd string", damaged(24, 0xff, 0xff, 0xff), /metadata key 0/],
    [
      "an unknown dtype",
      ggufFile({}, { t: { shape: [32], type: 99, bytes: new Uint8Array(8) } }),
      /"t" has the unknown dtype 99; readable are F32, F16, Q4_0/,
    ],
    [
      "rows that are no whole blocks",
      ggufFile({}, { t: { shape: [33], type: 8, bytes: new Uint8Array(68) } }),
      /rows of 33 do not divide into Q8_0 blocks/,
    ],
    ["a bad alignment", ggufFile({ "general.alignment": { u32: 24 } }, {}), /not a power of two/],
  ])("refuses %s", (_name, bytes, message) => {
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: "weights-invalid" }));
    expect(() => parse(bytes)).toThrow(message);
  });

  it("never fails otherwise than by a DiscernError, whatever byte is changed", () => {
    const file = good();
    const change = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(file);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          parse(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DiscernError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
