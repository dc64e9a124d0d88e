import { describe, expect, it } from "vitest";
import { storageFormats } from "../../../../src/engine/model/formats/formats.ts";

describe("GGUF's plain floats", () => {
  it.each<["F16" | "BF16" | "F32", number[], number[]]>([
    ["F16", [0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc], [1, 2 ** -24, Number.NEGATIVE_INFINITY]],
    ["BF16", [0x80, 0x3f, 0x49, 0xc0], [1, -3.140625]],
    ["F32", [0, 0, 0x80, 0x3f], [1]],
  ])("%s", (name, bytes, values) => {
    const out = new Float32Array(values.length);
    storageFormats[name].dequantise(Uint8Array.from(bytes), out, 0);
    expect([...out]).toEqual(values);
  });
});
