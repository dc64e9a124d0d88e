import type { EditorGroup } from "../../../src/extension/page/coursePlace.ts";

const pages = new Map([
  ["dashboard", "course"],
  ["report", "report"],
] as const);

/** Groups of editors in words: the shown tab of each is the first, `*` is the group that is worked in. */
export function groups(...words: string[]): EditorGroup[] {
  return words.map((word, i) => ({
    viewColumn: i + 1,
    isActive: word.startsWith("*"),
    tabs: word
      .replace("*", "")
      .split(" ")
      .filter((tab) => tab !== "")
      .map((tab, place) => ({ page: pages.get(tab as "dashboard") ?? null, isShown: place === 0 })),
  }));
}
