import type { refusalContract } from "../../protocol/probe/refusal.ts";
import { count, figure, interval, pValue, signed } from "../../wording/numbers.ts";
import { type ChartLine, LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupStyles, groupTitle, MarkLegend } from "./groups.tsx";

type Figures = FiguresRead<typeof refusalContract>;
type StateFigures = Figures["states"][number];

/** Mean refusal probability of every group over the states, and the gap between groups beside that of shuffled labels. */
export function Refusal({ figures: { states } }: FigureProps<Figures>) {
  const present = groupStyles.filter(({ id }) =>
    states.some(({ groups }) => groups.some(({ group }) => group === id)),
  );
  const lines = present.map(
    ({ id, class: style, shape }): ChartLine => ({
      ...{ key: id, class: style, shape, marks: "each" },
      points: states.flatMap(({ groups }, x) => {
        const y = groups.find(({ group }) => group === id)?.probability;
        return y === null || y === undefined ? [] : [{ x, y }];
      }),
    }),
  );
  return (
    <>
      <MarkLegend styles={present} />
      <figure class="chart-wide">
        <LineChart
          label={`Mean refusal probability by state. ${states.map(summary).join(" ")}`}
          x={{
            title: "state",
            from: 0,
            to: Math.max(1, states.length - 1),
            names: states.map(({ state }) => state),
          }}
          y={{ title: "refusal probability", from: 0, to: 1 }}
          lines={lines}
        />
      </figure>
      <h3>Gap between toxic and seemingly toxic prompts, and its control</h3>
      <p class="muted about">
        Mean log-odds of toxic prompts minus those of seemingly toxic ones. Shuffled labels say what gap
        chance gives.
      </p>
      <SortableTable
        caption="Gap by state, beside shuffled labels"
        rows={states}
        keyOf={({ state }) => state}
        columns={columns}
      />
    </>
  );
}

function summary({ state, groups }: StateFigures): string {
  return `${state}: ${groups.map(({ group, probability }) => `${groupTitle(group)} ${figure(probability)}`).join(", ")}.`;
}

const columns: Column<StateFigures>[] = [
  { id: "state", title: "State", cell: ({ state }) => state },
  { id: "gap", title: "Gap (nats)", number: true, cell: ({ gap }) => signed(gap?.value, "nats") },
  {
    id: "shuffled",
    title: "Shuffled labels, 95 %",
    number: true,
    cell: ({ gap }) =>
      gap && gap.shuffled.lower !== null && gap.shuffled.upper !== null
        ? interval({ lower: gap.shuffled.lower, upper: gap.shuffled.upper }, "nats", true)
        : "–",
  },
  { id: "p", title: "p", number: true, cell: ({ gap }) => pValue(gap?.shuffled.p) },
  ...groupStyles.map(
    ({ id, title }): Column<StateFigures> => ({
      id,
      title: <span class="two-lines">{`Mean probability, ${title} (n)`}</span>,
      number: true,
      cell: ({ groups }) => {
        const own = groups.find(({ group }) => group === id);
        return own ? `${figure(own.probability)} (${count(own.count)})` : "–";
      },
    }),
  ),
];
