import type { Help } from "../ui/help.tsx";

/** The keys of the figures, on every page that shows them. */
export const figureKeys: Help["keys"] = [
  { shown: "← ↑ → ↓", does: "In a scatter plot or heat map: go to the next point or cell" },
  {
    shown: "Space",
    does: "In a scatter plot: select the point; with Shift, arrow keys select along the way",
  },
  { shown: "Enter", does: "In a scatter plot or heat map: open the prompt of the point or cell" },
  { shown: "Escape", does: "In a scatter plot or heat map: leave the point or cell, and select nothing" },
  { shown: "← →", does: "On a slider of states or layers: go through them" },
];

/** The help of the page. */
export const help: Help = {
  title: "laboratory",
  about:
    "The laboratory page shows one result of a probe: its figure with its control, its caveats, its data, and what measuring it took.",
  keys: figureKeys,
  screenReader: [
    "The page has a head with its buttons, then facts and caveats, and the sections Figure, Data, Measure again, and Method and cost.",
    "Scatter plots and heat maps take arrow keys themselves, so they are applications to a screen reader. The point or cell that is reached is announced with its values.",
    "The section Data holds all that the figure draws, as tables that can be saved.",
    "Toxic prompts that are blurred are hidden from the screen reader, too: the box “Blur toxic prompts” shows them.",
  ],
};
