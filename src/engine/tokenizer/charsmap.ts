/**
 * Whether base64 text is a map of characters as SentencePiece compiles it (`precompiled_charsmap`): the size of a
 * double-array trie in bytes, the trie, and the replacements in UTF-8, each ended by NUL. The tokenizers library follows the
 * trie without looking where it leads, and a step outside ends the process; so every step is taken here first.
 *
 * The layout of a unit is darts-clone's: bit 31 marks a value, bits 10 to 30 hold an offset, bit 9 its scale, bit 8
 * whether a value follows, and the lowest byte the character that leads here.
 */
export function isCharsmap(base64: string): boolean {
  const bytes = Buffer.from(base64, "base64");
  const unpadded = (text: string) => text.replace(/=+$/, "");
  if (unpadded(bytes.toString("base64")) !== unpadded(base64) || bytes.length < 8) return false;
  const size = bytes.readUInt32LE(0);
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) return false;
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + size);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(replacements);
  } catch {
    return false;
  }
  const begins = (value: number) => value < replacements.length && (replacements[value]! & 0xc0) !== 0x80;
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  const seen = new Set<number>();
  const open = [offset(units[0]!)];
  while (open.length > 0) {
    const node = open.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    for (let character = 1; character < 256; character++) {
      const at = node ^ character;
      if (at < 0 || at >= units.length) return false;
      const unit = units[at]!;
      // Bit 31 belongs to the comparison: a value is no step.
      if ((unit & 0x800000ff) >>> 0 !== character) continue;
      const next = at ^ offset(unit);
      if (next < 0 || next >= units.length) return false;
      if ((unit & 0x100) !== 0 && !begins(units[next]! & 0x7fffffff)) return false;
      open.push(next);
    }
  }
  return true;
}
