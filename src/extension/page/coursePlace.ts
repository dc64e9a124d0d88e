import { greatestOf } from "../../statistics/extremes.ts";

/** A group of editors, as far as it matters where a page opens that nobody asked for. */
export interface EditorGroup {
  readonly viewColumn: number;
  /** Whether it is the group that is worked in. */
  readonly isActive: boolean;
  readonly tabs: readonly {
    /** `course`: how runs get on, a dashboard or the page of a benchmark or sweep; null for anything but a page about runs. */
    readonly page: "course" | "report" | null;
    /** Whether it is in front of its group. */
    readonly isShown: boolean;
  }[];
}

/**
 * Where a page opens that shows how runs get on and that nobody asked for. It comes to the front of its group, so that is a group with nothing in
 * it, or one beside what is worked at in whose front another page about runs is; else a new one behind the last, since whatever else is in front of a
 * group may be in use.
 *
 * @param groups in the order of the window.
 * @returns the group's column.
 */
export function coursePlace(groups: readonly EditorGroup[]): number {
  const empty = groups.find(({ isActive, tabs }) => isActive && tabs.length === 0);
  const place = empty ?? groups.find(mayBeCovered);
  return place?.viewColumn ?? greatestOf([0, ...groups.map(({ viewColumn }) => viewColumn)]) + 1;
}

/** Whether a page about runs may come to the front of a group though nobody asked for it. */
export function mayBeCovered({ isActive, tabs }: EditorGroup): boolean {
  return !isActive && (tabs.length === 0 || tabs.some(({ page, isShown }) => isShown && page !== null));
}
