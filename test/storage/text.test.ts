import { expect, test } from "vitest";
import { decodeText, NotText, TextDecoding } from "../../src/storage/text.ts";

const text = "Wie öffne ich die Tür?\nひらく 𝄞\n";
const utf16 = (value: string, isBig = false) => {
  const bytes = Buffer.from(`\uFEFF${value}`, "utf16le");
  return isBig ? bytes.swap16() : bytes;
};

/** What a decoding gives for bytes that come in pieces. */
function inPieces(bytes: Uint8Array, size: number, encoding?: string): string {
  const decoding = new TextDecoding(encoding);
  let whole = "";
  for (let at = 0; at < bytes.length; at += size) whole += decoding.push(bytes.subarray(at, at + size));
  return whole + decoding.end();
}

test.each([
  ["UTF-8", Buffer.from(text)],
  ["UTF-8 with a byte order mark", Buffer.from(`\uFEFF${text}`)],
  ["UTF-16, little end first", utf16(text)],
  ["UTF-16, big end first", utf16(text, true)],
])("%s is read, wherever it is cut", (_, bytes) => {
  expect(decodeText(bytes)).toBe(text);
  for (const size of [1, 2, 3, 5, 1000]) expect(inPieces(bytes, size)).toBe(text);
});

test.each([
  ["windows-1252", [0x92, 0x80, 0xe9], "’€é"],
  ["gb18030", [0xc4, 0xe3, 0xba, 0xc3], "你好"],
  ["shift_jis", [0x82, 0xa0], "あ"],
  ["utf-16le", [0x61, 0x00, 0xe9, 0x00], "aé"],
] as const)("an encoding that is named is used: %s", (encoding, bytes, expected) => {
  expect(decodeText(Uint8Array.from(bytes), encoding)).toBe(expected);
  expect(inPieces(Uint8Array.from(bytes), 1, encoding)).toBe(expected);
});

test("nothing and less than a byte order mark are texts", () => {
  expect(decodeText(new Uint8Array())).toBe("");
  expect(decodeText(Buffer.from("a"))).toBe("a");
  expect(decodeText(Buffer.from("\uFEFF"))).toBe("");
});

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))));

test.each([
  ["a byte of windows-1252", bytes("ok\nok\ncaf", [0xe9], " au lait\n"), 3, /not UTF-8/],
  ["half a character in the middle", bytes("é\nx", [0xf0, 0x9f], "y\n"), 2, /not UTF-8/],
  ["half a character at the end", bytes("a\nb", [0xc3]), 2, /ends in the middle/],
  ["NUL", bytes("a\nb\0c"), 2, /NUL/],
  ["UTF-16 without a byte order mark", utf16("abc\n").subarray(2), 1, /UTF-16 without a byte order mark/],
  ["UTF-32", bytes([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), 1, /UTF-32/],
  ["half a pair in UTF-16", bytes([0xff, 0xfe, 0x61, 0, 0x0a, 0, 0x00, 0xd8, 0x62, 0]), 1, /utf-16le/],
])("%s is refused with its line", (_, damaged, line, reason) => {
  for (const read of [() => decodeText(damaged), () => inPieces(damaged, 1), () => inPieces(damaged, 3)]) {
    expect(read).toThrow(NotText);
    expect(read).toThrow(reason);
  }
  try {
    decodeText(damaged);
  } catch (error) {
    expect((error as NotText).line).toBe(line);
  }
});

test("a byte that is not UTF-8 is named", () => {
  expect(() => decodeText(bytes("caf", [0xe9], " au lait"))).toThrow("the byte 0xE9 is not UTF-8");
  expect(() => decodeText(bytes("x", [0xf0, 0x9f], "y"))).toThrow("the byte 0xF0 is not UTF-8");
});
