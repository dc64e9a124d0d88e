import { dashes, type PlotSeries, shapes } from "../ui/plotSpec.ts";

/** The names of the lines of a chart, as switches: pressing one hides its line or shows it again. */
export function Legend({
  series,
  hidden,
  toggle,
}: {
  series: readonly PlotSeries[];
  hidden: ReadonlySet<string>;
  toggle: (id: string) => void;
}) {
  return (
    <ul class="legend" aria-label="Lines">
      {series.map(({ id, label, colour, dash, mark }) => (
        <li key={id}>
          <button
            type="button"
            aria-pressed={!hidden.has(id)}
            onClick={() => toggle(id)}
            title="Hide or show"
          >
            <svg
              class={`swatch ${colour.replace(/^method/, "method-")}`}
              viewBox="0 0 34 12"
              aria-hidden="true"
            >
              <line x1="1" x2="33" y1="6" y2="6" stroke-dasharray={dashes[dash % dashes.length]!.join(" ")} />
              <Shape of={shapes[mark % shapes.length]!} />
            </svg>
            <span class="name">{label}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** A mark as Chart.js draws it. */
function Shape({ of }: { of: (typeof shapes)[number] }) {
  switch (of) {
    case "circle":
      return <circle cx="17" cy="6" r="3.5" />;
    case "rectRot":
      return <path d="M17 2l4 4-4 4-4-4z" />;
    case "triangle":
      return <path d="M17 2l4 7h-8z" />;
    case "rect":
      return <path d="M14 3h6v6h-6z" />;
    case "star":
      return <path d="M17 2v8M13 6h8M14.2 3.2l5.6 5.6M19.8 3.2l-5.6 5.6" />;
    case "crossRot":
      return <path d="M14 3l6 6M20 3l-6 6" />;
  }
}
