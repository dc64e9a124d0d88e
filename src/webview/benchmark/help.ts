import type { Help } from "../ui/help.tsx";
import { filterKeys } from "./filter.tsx";

/** The help of the page, as comparison, benchmark and sweep alike. */
export const help: Help = {
  title: "comparison, benchmark or sweep",
  about:
    "The page of a comparison or benchmark is a table of methods by suites under one measure, which fills while its runs go on. The page of a sweep shows its trials as curves, as lines over their settings, and as a table.",
  keys: [
    ...filterKeys,
    { shown: "Enter ↓", does: "In the filter: go to the table; Escape empties the filter, too" },
    { shown: "↑ ↓ ← → Home End", does: "Move in the table; with Ctrl, Home and End go to its corners" },
    {
      shown: "Enter",
      does: "On a cell: open its run, or the answers behind its figure. On a suite: sort by it",
    },
    {
      shown: "Enter",
      does: "On By category: show the measure by category, of the suite of the cell that had the focus last",
    },
    { shown: "↑ ↓ Home End", does: "On an end of an axis of a sweep: keep fewer or more values" },
    { shown: "Escape", does: "On an end of an axis: keep all values of the axis again" },
  ],
  screenReader: [
    "The page has a head with its state and buttons, the choice of the measure, the filter with how many methods are shown, and the table. The table is one stop of Tab.",
    "A cell is read as one sentence: method, suite, value with its interval, number of seeds, and how far its runs are.",
    "In a sweep each axis has two sliders, named after it. The table of trials below holds all that the lines show.",
  ],
};
