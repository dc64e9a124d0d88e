import { figureKeys } from "../laboratory/help.ts";
import type { Help } from "../ui/help.tsx";
import type { PageKey } from "../ui/pageKeys.ts";

/** The keys of the page; all else is buttons, fields and lists. */
export const keys: readonly PageKey<"veil">[] = [
  { keys: ["b"], shown: "B", action: "veil", does: "Show or blur monitored prompts" },
];

/** The page's help. */
export const help: Help = {
  title: "dashboard",
  about:
    "The dashboard shows how training changes refusal, for one or several runs, while they go on and afterwards.",
  keys: [
    ...keys,
    { shown: "← →", does: "On the smoothing slider: less or more smoothing" },
    { shown: "Ctrl+wheel, drag", does: "On a chart: zoom. The buttons Zoom in and Zoom out do the same" },
    ...figureKeys.map((key) => ({ ...key, does: `Laboratory: ${key.does}` })),
  ],
  screenReader: [
    "The page has a head for each run, with its state and its buttons, then a toolbar for the view, the charts, the monitored prompts, and the figures of the laboratory, one at a time.",
    "A chart is an image whose description says its newest values. Its button Table shows all that it draws as a table, in pages; CSV saves the data.",
    "Legends are switches: each hides or shows a line.",
    "A run that ends, stops or fails is announced; steps are not.",
    "Monitored prompts that are blurred are hidden from the screen reader, too: B shows them.",
  ],
};
