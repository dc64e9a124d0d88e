import type { Range } from "../../ui/plotSpec.ts";

/** A narrower or wider view around the middle of another, never beyond what there is. */
export function zoomed(view: Range, whole: Range, factor: number): Range {
  const middle = (view.min + view.max) / 2;
  const half = (view.max - view.min) / 2 / factor;
  return within({ min: middle - half, max: middle + half }, whole);
}

/** A view moved by a share of its width, never beyond what there is. */
export function panned(view: Range, whole: Range, share: number): Range {
  const by = (view.max - view.min) * share;
  return within({ min: view.min + by, max: view.max + by }, whole);
}

/** A view kept inside what there is: moved where it sticks out, and cut where it is too wide. */
export function within({ min, max }: Range, whole: Range): Range {
  const width = Math.min(max - min, whole.max - whole.min);
  const start = Math.min(Math.max(min, whole.min), whole.max - width);
  return { min: start, max: start + width };
}
