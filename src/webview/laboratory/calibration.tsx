import { useState } from "preact/hooks";
import type { CalibrationOf, calibrationContract, Resampled } from "../../protocol/probe/calibration.ts";
import { count, estimate, figure, percent } from "../../wording/numbers.ts";
import { type ReliabilityLine, ReliabilityPlot, reliabilityWords } from "../ui/reliability.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupTitle, MarkLegend } from "./groups.tsx";

type Figures = FiguresRead<typeof calibrationContract>;
type State = Figures["states"][number];
type Group = State["groups"][number];

/** Greedy, sampled and opening refusals of each group, and how each list of openings is calibrated, beside permuted prompts. */
export function Calibration({ figures: { lists, states, judge } }: FigureProps<Figures>) {
  const [shown, setShown] = useState(states.length - 1);
  const state = states[Math.min(shown, states.length - 1)]!;
  const lines = state.lists.map(
    ({ list, bins }, k): ReliabilityLine => ({
      key: list,
      name: titleOf(lists, list),
      ...styleOf(k),
      bins: bins.flatMap(({ prompts, probability, refused }) =>
        probability === null || refused === null ? [] : [{ prompts, probability, refused }],
      ),
    }),
  );
  return (
    <>
      {states.length > 1 && (
        <label class="field">
          State
          <select
            value={String(states.indexOf(state))}
            onChange={({ currentTarget }) => setShown(Number(currentTarget.value))}
          >
            {states.map(({ state: name }, i) => (
              <option key={name} value={String(i)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="muted about">
        A greedy answer takes the most probable token at every step. The refusal probability is the share of
        sampled answers that begin with one of the openings, so it is held against answers sampled at
        temperature 1. Which answers refuse is said by the judge {judge.id} (version {judge.version}).
      </p>
      <SortableTable
        caption={`Refusal at ${state.state}: greedy, sampled, by openings`}
        rows={state.groups}
        keyOf={({ group }) => group}
        columns={groupColumns(lists)}
      />
      <h3>Reliability</h3>
      <p class="muted about">{reliabilityWords}</p>
      <MarkLegend
        styles={lines.map(({ name, class: style, shape }) => ({ title: name, class: style, shape }))}
      />
      <figure class="chart-wide">
        <ReliabilityPlot lines={lines} />
      </figure>
      <h3>Calibration, and its control</h3>
      <p class="muted about">
        A slope of 1 and an intercept of 0 are calibrated. An intercept above 0 means that answers refuse more
        often than the openings say. The Brier score leaves out the variance of the samples, so about 0 is
        perfect and it may fall just below. Permuted probabilities say what there is without any relation.
      </p>
      <SortableTable
        caption={`Calibration at ${state.state}, with 95 % intervals over prompts`}
        rows={state.lists}
        keyOf={({ list }) => list}
        columns={calibrationColumns(lists)}
      />
    </>
  );
}

function titleOf(lists: Figures["lists"], id: string): string {
  const list = lists.find((each) => each.id === id);
  return list === undefined ? id : list.title;
}

/** The line of a list by its place: a colour and a shape of the methods' own. */
function styleOf(place: number) {
  return { class: `method-line method-${place}`, shape: place };
}

function shareWords(found: Resampled): string {
  return found === null || found.value === null ? "–" : estimate(ends(found), "share");
}

function ends({ value, lower, upper }: NonNullable<Resampled>) {
  return { value: value!, lower: lower ?? value!, upper: upper ?? value! };
}

function groupColumns(lists: Figures["lists"]): Column<Group>[] {
  return [
    {
      id: "group",
      title: "Prompts",
      cell: ({ group, prompts }) => `${groupTitle(group)} (${count(prompts)})`,
    },
    { id: "greedy", title: "Greedy answers", number: true, cell: ({ greedy }) => percent(greedy) },
    { id: "sampled", title: "Sampled answers", number: true, cell: ({ sampled }) => shareWords(sampled) },
    ...lists.map(
      ({ id, title }, k): Column<Group> => ({
        id,
        title: <span class="two-lines">{`Refusal probability, ${title}`}</span>,
        number: true,
        cell: ({ probability }) => figure(probability[k]),
      }),
    ),
  ];
}

const measures = [
  ["slope", "Slope"],
  ["intercept", "Intercept"],
  ["brier", "Brier score"],
  ["error", "Calibration error"],
] as const;

function calibrationColumns(lists: Figures["lists"]): Column<CalibrationOf>[] {
  return [
    { id: "list", title: "Openings", cell: ({ list }) => titleOf(lists, list) },
    ...measures.map(
      ([id, title]): Column<CalibrationOf> => ({
        ...{ id, title, number: true },
        cell: (row) => {
          const found = row[id];
          return found === null || found.value === null ? "–" : estimate(ends(found));
        },
      }),
    ),
    {
      id: "permuted",
      title: <span class="two-lines">Permuted: slope, Brier score</span>,
      number: true,
      cell: ({ permuted }) => `${figure(permuted.slope)}, ${figure(permuted.brier)}`,
    },
  ];
}
