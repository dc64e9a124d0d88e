import type { EditorGroup } from "../page/coursePlace.ts";

/** Where a report opens; behind the tab that is shown there, where it is not to be seen. */
export interface ReportPlace {
  readonly viewColumn: number;
  readonly isShown: boolean;
}

/**
 * Where the report of a run opens that has ended, while a person may work at anything. It is shown where it takes no tab that is in
 * use: in an empty group, or in place of a dashboard that is beside what is worked at, as its run has ended. Else it is a tab in the background, of the
 * group with a dashboard where there is one. No group is added, for that would change the size of the editor that is worked in, and the focus stays.
 *
 * @param groups in the order of the window.
 * @param othersActive whether other runs are at work, which the dashboards may show.
 */
export function reportPlace(groups: readonly EditorGroup[], othersActive: boolean): ReportPlace {
  const empty = groups.find(({ isActive, tabs }) => isActive && tabs.length === 0);
  if (empty) return { viewColumn: empty.viewColumn, isShown: true };
  const beside = groups.find(
    ({ isActive, tabs }) => !isActive && tabs.some(({ page, isShown }) => page === "course" && isShown),
  );
  if (beside && !othersActive) return { viewColumn: beside.viewColumn, isShown: true };
  const behind =
    beside ??
    groups.find(({ tabs }) => tabs.some(({ page }) => page === "course")) ??
    groups.find(({ isActive }) => isActive);
  return { viewColumn: behind?.viewColumn ?? 1, isShown: false };
}
