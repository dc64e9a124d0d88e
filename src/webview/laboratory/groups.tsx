import type { Label } from "../../protocol/label.ts";
import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { markPath } from "../ui/marks.ts";
import type { MarkStyle } from "../ui/scatter.tsx";

/** The groups of prompts in the order in which figures have them, with their names, colours and shapes. */
export const groupStyles: readonly (MarkStyle & { readonly id: Label })[] = [
  { id: "toxic", title: "toxic", class: "line-toxic", shape: 0 },
  { id: "seemingly_toxic", title: "seemingly toxic", class: "line-seeming", shape: 1 },
  { id: "general", title: "general", class: "line-general", shape: 2 },
];

/** The name of a group; other words that a figure groups by stand for themselves. */
export function groupTitle(group: string): string {
  return groupStyles.find(({ id }) => id === group)?.title ?? group.replaceAll("_", " ");
}

/** The style of a group, by its place in {@link groupStyles}. */
export function groupStyle({ group }: Pick<ProbePrompt, "group">): number {
  return groupStyles.findIndex(({ id }) => id === group);
}

/** The mark of a style, as legends show it. */
export function Swatch({ style: { class: colour, shape } }: { style: MarkStyle }) {
  return (
    <svg class={`method-shape ${colour}`} viewBox="-7 -7 14 14" width="14" height="14" aria-hidden="true">
      <path class="swatch-mark" d={markPath(shape, 0, 0)} />
    </svg>
  );
}

/** The styles of a figure by their marks. */
export function MarkLegend({ styles }: { styles: readonly MarkStyle[] }) {
  return (
    <ul class="legend">
      {styles.map((style) => (
        <li key={style.title}>
          <Swatch style={style} />
          {style.title}
        </li>
      ))}
    </ul>
  );
}

/** The name of pairs between two groups, or of pairs of another kind. */
export function pairsTitle(between: string): string {
  return between === "matched" ? "matched pairs" : between.split(" × ").map(groupTitle).join(" × ");
}
