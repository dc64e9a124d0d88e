/** Bytes of tensors that cross in one frame: a model's weights do not fit in memory twice. */
const partBytes = 1 << 26;

/** Cuts a list into parts that are no larger than a frame should be; an item that is larger is a part of its own. */
export function inParts<T>(items: readonly T[], bytesOf: (item: T) => number): T[][] {
  const parts: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const own = bytesOf(item);
    if (bytes + own > partBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(item);
    bytes += own;
  }
  return parts;
}
