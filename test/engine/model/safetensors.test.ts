import { readFileSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  readSafetensors,
  readSafetensorsHeader,
  safetensorsFiles,
  writeSafetensors,
} from "../../../src/engine/model/safetensors.ts";
import { headerLength, parseHeader } from "../../../src/engine/model/safetensorsHeader.ts";
import type { Parameter } from "../../../src/engine/model/weights.ts";
import { DiscernError } from "../../../src/protocol/errors.ts";
import { tempFolder } from "../../tempFolder.ts";

/** A safetensors file from its header and data, honest or not. */
function fileOf(header: unknown, data: Uint8Array | number[]): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(data)]);
}

function write(bytes: Uint8Array): string {
  const path = join(tempFolder(), "model.safetensors");
  writeFileSync(path, bytes);
  return path;
}

const pair = (dtype = "F32") => ({ dtype, shape: [2], data_offsets: [0, 8] });

describe("writer and reader", () => {
  it("give back names, shapes, values and metadata exactly", async () => {
    const path = join(tempFolder(), "out.safetensors");
    const written = new Map<string, Parameter>([
      ["b.weight", { shape: [2, 3], data: Float32Array.of(1, -0, 1e-40, 3.4e38, Number.NaN, 0.1) }],
      ["a", { shape: [], data: Float32Array.of(7) }],
      ["empty", { shape: [0, 4], data: new Float32Array(0) }],
    ]);
    await writeSafetensors(path, written, { step: "3" });
    const { tensors, metadata } = await readSafetensors(path);
    expect(metadata).toEqual({ step: "3" });
    for (const [name, { shape, data }] of written) {
      expect(tensors.get(name)?.shape).toEqual(shape);
      expect(tensors.get(name)?.data).toEqual(data);
    }
    expect(tensors.size).toBe(3);
  });

  it("write the file in one step: no half file and no neighbour stays behind", async () => {
    const folder = tempFolder();
    const path = join(folder, "out.safetensors");
    await writeSafetensors(path, [["a", { shape: [1], data: Float32Array.of(1) }]]);
    const before = readFileSync(path);
    const bad: Parameter = { shape: [2], data: Float32Array.of(1) };
    await expect(writeSafetensors(path, [["a", bad]])).rejects.toThrow(/does not hold/);
    expect(readFileSync(path)).toEqual(before);
    expect(await readdir(folder)).toEqual(["out.safetensors"]);
  });
});

describe("half precision", () => {
  it.each([
    ["F16", [0x00, 0x3c, 0x00, 0xc0], [1, -2]],
    ["BF16", [0x80, 0x3f, 0x00, 0xc0], [1, -2]],
  ])("%s is widened", async (dtype, data, values) => {
    const path = write(fileOf({ t: { dtype, shape: [2], data_offsets: [0, 4] } }, data));
    expect([...(await readSafetensors(path)).tensors.get("t")!.data]).toEqual(values);
  });

  it("is read in chunks that meet", async () => {
    const count = 5_000_000;
    const data = new Uint8Array(count * 2);
    const bits = new Uint16Array(data.buffer);
    for (let i = 0; i < count; i++) bits[i] = 0x3f80 + (i % 64);
    const path = write(fileOf({ t: { dtype: "BF16", shape: [count], data_offsets: [0, count * 2] } }, data));
    const { data: found } = (await readSafetensors(path)).tensors.get("t")!;
    expect(found.every((value, i) => value === 1 + (i % 64) / 128)).toBe(true);
  });
});

describe("damaged files", () => {
  const eight = new Uint8Array(8);
  it.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /0 bytes/],
    ["a header longer than the file", fileOf({ t: pair() }, eight).subarray(0, 20), /cut short/],
    ["a header of absurd length", new Uint8Array(16).fill(0xff), /is it safetensors/],
    ["a header that is not JSON", fileOf("{", eight), /not JSON/],
    ["a header that is a list", fileOf([], eight), /not a JSON object/],
    [
      "a truncated tensor",
      fileOf({ t: pair() }, eight.subarray(1)),
      /"t" ends at byte \d+ but the file has \d+/,
    ],
    ["bytes after the last tensor", fileOf({ t: pair() }, new Uint8Array(9)), /end at byte/],
    [
      "offsets that do not fit the shape",
      fileOf({ t: { ...pair(), shape: [3] } }, eight),
      /"t" \(F32 \[3\]\) must take 12 bytes but its offsets span 8/,
    ],
    ["overlapping tensors", fileOf({ a: pair(), b: pair() }, eight), /"b" overlaps/],
    ["a hole", fileOf({ a: { ...pair(), data_offsets: [8, 16] } }, new Uint8Array(16)), /"a" leaves a hole/],
    ["an unknown dtype", fileOf({ t: pair("Q9") }, eight), /unknown dtype "Q9"/],
    [
      "a dtype that is no weight",
      fileOf({ t: { ...pair("I64"), shape: [1] } }, eight),
      /dtype I64; readable are F32/,
    ],
    ["a negative shape", fileOf({ t: { ...pair(), shape: [-2] } }, eight), /"t"/],
    [
      "metadata that is no map of texts",
      fileOf({ __metadata__: { a: 1 }, t: pair() }, eight),
      /__metadata__/,
    ],
  ])("%s is refused by name", async (_name, bytes, message) => {
    const path = write(bytes);
    const attempt = readSafetensors(path);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "weights-invalid" }));
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toThrow(path);
  });

  it("an absent file is said to be absent", async () => {
    const attempt = readSafetensorsHeader(join(tempFolder(), "absent.safetensors"));
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "file-missing" }));
  });

  it("random bytes never fail otherwise than by a DiscernError", () => {
    const random = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => new Uint8Array(fileOf(json, []))),
      fc
        .record({ dtype: fc.string(), shape: fc.array(fc.integer()), data_offsets: fc.array(fc.integer()) })
        .map((entry) => new Uint8Array(fileOf({ t: entry }, [1, 2, 3, 4]))),
    );
    fc.assert(
      fc.property(random, (bytes) => {
        try {
          const length = headerLength(bytes.subarray(0, 8), bytes.length, "file");
          parseHeader(bytes.subarray(8, 8 + length), bytes.length, "file");
        } catch (error) {
          expect(error).toBeInstanceOf(DiscernError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("sharded models", () => {
  const index = "model.safetensors.index.json";
  const folderWith = (map: Record<string, string>) => {
    const folder = tempFolder();
    writeFileSync(join(folder, index), JSON.stringify({ weight_map: map }));
    return folder;
  };

  it("are the files their index names", async () => {
    const folder = folderWith({ a: "two.safetensors", b: "one.safetensors", c: "two.safetensors" });
    const names = [index, "one.safetensors", "two.safetensors"];
    expect(await safetensorsFiles(folder, names)).toEqual([
      join(folder, "one.safetensors"),
      join(folder, "two.safetensors"),
    ]);
  });

  it("name the shard that is missing", async () => {
    const folder = folderWith({ a: "one.safetensors", b: "two.safetensors" });
    const attempt = safetensorsFiles(folder, [index, "one.safetensors"]);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "file-missing" }));
    await expect(attempt).rejects.toThrow(/two\.safetensors is missing \(a shard with 1 tensors/);
  });

  it("may not name files elsewhere", async () => {
    const folder = folderWith({ a: "../secret" });
    await expect(safetensorsFiles(folder, [index])).rejects.toThrow(/not a plain file name/);
  });

  it("say that other formats are not read", async () => {
    await expect(safetensorsFiles("/folder", ["pytorch_model.bin"])).rejects.toThrow(
      /neither model.safetensors/,
    );
  });
});
