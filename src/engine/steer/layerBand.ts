/**
 * The blocks that a published band of blocks is in a model of another depth: `from` to `to`, both included, of `depth`
 * blocks, in the same shares of the model's depth. At least one block.
 */
export function layerBand(
  { from, to, depth }: { readonly from: number; readonly to: number; readonly depth: number },
  layers: number,
): number[] {
  const scaled = (block: number) => Math.min(layers - 1, Math.round((block * layers) / depth));
  const [first, end] = [
    scaled(from),
    Math.max(scaled(from) + 1, Math.min(layers, Math.round(((to + 1) * layers) / depth))),
  ];
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** How blocks are named in a report: "9 to 18", or one by one where they have gaps. */
export function layerWords(blocks: readonly number[]): string {
  const [first, last] = [blocks[0]!, blocks.at(-1)!];
  if (blocks.length > 2 && blocks.every((block, i) => block === first + i)) return `${first} to ${last}`;
  return blocks.join(", ");
}
