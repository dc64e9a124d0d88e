import { useState } from "preact/hooks";
import type { Figures } from "../../protocol/webview/report.ts";
import { styleCount } from "../ui/methodStyle.ts";
import { MethodShape } from "../ui/whisker.tsx";
import { styleNumber, styleOf } from "./runs.ts";

/** The classes of a method's lines: colour, and from the seventh method on a dash, since colours repeat. */
export function lineClass(methods: Figures["methods"], method: string): string {
  const place = styleNumber(methods, method);
  return `method-line method-${place % styleCount}${place >= styleCount ? " dashed" : ""}`;
}

/** Which methods of a figure are hidden. */
export function useHidden(): [ReadonlySet<string>, (method: string) => void] {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const toggle = (method: string) => {
    const next = new Set(hidden);
    if (!next.delete(method)) next.add(method);
    setHidden(next);
  };
  return [hidden, toggle];
}

/** The methods of a figure, each a switch that shows or hides it. */
export function MethodLegend({
  figures: { methods },
  shown,
  hidden,
  onToggle,
}: {
  figures: Figures;
  /** Ids of the methods that the figure has. */
  shown: ReadonlySet<string>;
  hidden: ReadonlySet<string>;
  onToggle: (method: string) => void;
}) {
  return (
    <ul class="legend switches">
      {methods
        .filter(({ id }) => shown.has(id))
        .map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              class="switch"
              aria-pressed={!hidden.has(id)}
              title={hidden.has(id) ? `Show ${name}` : `Hide ${name}`}
              onClick={() => onToggle(id)}
            >
              <svg width="22" height="8" class={lineClass(methods, id)} aria-hidden="true">
                <line class="chart-line" x1="0" x2="22" y1="4" y2="4" />
              </svg>
              <MethodShape style={styleOf(methods, id)} />
              {name}
            </button>
          </li>
        ))}
    </ul>
  );
}
