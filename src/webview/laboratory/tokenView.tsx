import { useMemo, useState } from "preact/hooks";
import { type DirectionKind, directionKinds, type tokensContract } from "../../protocol/probe/tokens.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { counted, figure, quantity, signed } from "../../wording/numbers.ts";
import { type HeatCell, HeatMap, HeatScale } from "../ui/heatMap.tsx";
import { LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import { Choice } from "./choice.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupTitle } from "./groups.tsx";
import { PromptLine } from "./promptLine.tsx";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof tokensContract>;
type StateFigures = Figures["states"][number];
type Viewed = Figures["prompts"][number];

/** A prompt and its counterpart on the refusal direction by layer and token, at one state or at two, beside the controls' directions. */
export function TokenView({ result, figures, blur, post }: FigureProps<Figures>) {
  const { states, prompts } = figures;
  const [kind, setKind] = useState<DirectionKind>("refusal");
  const [pair, setPair] = useState<readonly [number, number]>([0, states.length - 1]);
  const [focused, setFocused] = useState<HeatCell | null>(null);
  const names = states.map(({ state }) => state);
  const chosen = states.length > 1 ? [...pair] : [0];
  const shown = chosen.map((at) => states[at]!);
  const most = useMemo(() => scaleOf(states), [states]);
  const isBlurred = (prompt: Viewed) => blur && prompt.group === "toxic";
  return (
    <div class="token-view">
      <div class="figure-controls">
        <Choice
          label="Direction"
          value={kind}
          onChange={(value) => setKind(value as DirectionKind)}
          options={directionKinds.map(({ id, title }) => [id, title])}
        />
        <Scrubber
          label="Left state"
          states={names}
          chosen={pair[0]}
          onChoose={(at) => setPair([at, pair[1]])}
        />
        <Scrubber
          label="Right state"
          states={names}
          chosen={pair[1]}
          onChoose={(at) => setPair([pair[0], at])}
        />
      </div>
      <p class="muted about">{about(figures)}</p>
      <HeatScale diverging words={[`${signed(-most)} or less`, `${signed(most)} or more`]} />
      {prompts.map((prompt, p) => (
        <section key={prompt.id} aria-label={groupTitle(prompt.group)}>
          <PromptLine prompt={result.prompts.find(({ id }) => id === prompt.id)!} {...{ blur, post }} />
          <div class="side-by-side maps">
            {shown.map((state, k) => (
              <figure key={`${state.state} ${k}`}>
                <figcaption>
                  {groupTitle(prompt.group)}, {state.state}
                </figcaption>
                <HeatMap
                  label={`${titleOf(kind)}: projections of the ${groupTitle(prompt.group)} prompt at ${state.state}, a row per layer, a column per token. Arrow keys go from cell to cell.`}
                  values={cellsOf(state, kind, p, figures)}
                  labels={{
                    rows: state.layers.map(({ layer }) => String(layer)),
                    columns: columnWords(prompt, figures.columns, isBlurred(prompt)),
                  }}
                  rowStyles={[]}
                  columnStyles={[]}
                  {...{ most, focused }}
                  onFocus={setFocused}
                />
              </figure>
            ))}
          </div>
        </section>
      ))}
      <Readout {...{ focused, figures, shown, kind, isBlurred }} />
      <Sizes state={shown.at(-1)!} draws={figures.draws} />
      <h3>Directions</h3>
      <SortableTable
        caption="Refusal direction by layer"
        rows={shown.at(-1)!.layers}
        keyOf={({ layer }) => String(layer)}
        columns={layerColumns}
      />
    </div>
  );
}

function titleOf(kind: DirectionKind): string {
  return directionKinds.find(({ id }) => id === kind)!.title;
}

function about({ fitted, against, fit, skipped, states }: Figures): string {
  return [
    `Difference of means of ${counted(fitted.toxic, "toxic prompt")} and ${fitted.against} ${groupTitle(against)} ones at their last token, without these.`,
    "+1 is the mean of the toxic ones, −1 that of the others, 0 the middle; cells below 0 are smaller. Directions of controls are as long and share the scale.",
    states.length > 1 && fit === "first" ? `Fitted at ${states[0]!.state}.` : "",
    skipped > 0
      ? `${counted(skipped, "token")} of the template before the prompts are not shown: they are the same for both.`
      : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** The end of the scale: nine in ten of the refusal direction's values lie within it. */
function scaleOf(states: Figures["states"]): number {
  const sizes = states
    .flatMap(({ maps }) => maps.filter(({ kind }) => kind === "refusal"))
    .flatMap(({ values }) => values.flat())
    .flatMap((value) => (value === null ? [] : Math.abs(value)))
    .sort((a, b) => a - b);
  return Math.max(1, sizes[Math.floor(0.9 * (sizes.length - 1))] ?? 1);
}

/** Values by layer and column; null where the prompt has no token in a column. */
function cellsOf(
  state: StateFigures,
  kind: DirectionKind,
  prompt: number,
  figures: Figures,
): (number | null)[][] {
  const { tokens } = figures.prompts[prompt]!;
  const map = state.maps.find((each) => each.kind === kind && each.prompt === prompt)!;
  return map.values.map((row) => {
    const cells = new Array<number | null>(figures.columns).fill(null);
    for (const [t, { column }] of tokens.entries()) cells[column] = row[t] ?? null;
    return cells;
  });
}

/** Tokens as they stand below a map: white space and line breaks visible, words of a blurred prompt hidden. */
function columnWords({ tokens }: Viewed, columns: number, hidden: boolean): string[] {
  const words = new Array<string>(columns).fill("");
  for (const { column, text, own } of tokens) words[column] = hidden && own ? "•••" : visible(text);
  return words;
}

function visible(text: string): string {
  return text.replaceAll("\n", "⏎").replaceAll(" ", "␣");
}

function Readout({
  focused,
  figures,
  shown,
  kind,
  isBlurred,
}: {
  focused: HeatCell | null;
  figures: Figures;
  shown: readonly StateFigures[];
  kind: DirectionKind;
  isBlurred: (prompt: Viewed) => boolean;
}) {
  const layer = focused && shown[0]!.layers[focused.row]?.layer;
  return (
    <div class="readout" aria-live="polite">
      {focused && layer ? (
        <>
          <p>
            Layer {layer}, {titleOf(kind).toLowerCase()}
          </p>
          {figures.prompts.map((prompt, p) => {
            const token = prompt.tokens.find(({ column }) => column === focused.column);
            const text = token && (isBlurred(prompt) && token.own ? "•••" : visible(token.text));
            return (
              <p key={prompt.id}>
                {groupTitle(prompt.group)}: {text === undefined ? "no token here" : <code>{text}</code>}{" "}
                {token &&
                  shown.map((state, k) => (
                    <span key={`${state.state} ${k}`} class="value-at">
                      {state.state}:{" "}
                      <strong>
                        {signed(cellsOf(state, kind, p, figures)[focused.row]![focused.column])}
                      </strong>
                    </span>
                  ))}
              </p>
            );
          })}
        </>
      ) : (
        <p class="muted">
          Point at a cell, or focus a map and use the arrow keys, to see its tokens and values.
        </p>
      )}
    </div>
  );
}

const sizeStyles: Readonly<Record<DirectionKind, number>> = { refusal: 2, random: 1, shuffled: 3 };

/** How large projections are by layer, beside those on the controls' directions. */
function Sizes({ state: { state, layers }, draws }: { state: StateFigures; draws: number }) {
  const most = greatestOf([1, ...layers.flatMap(({ size }) => Object.values(size).map((each) => each ?? 0))]);
  return (
    <>
      <h3>Size of the projections, and of the controls</h3>
      <p class="muted about">
        Root mean square over the prompts' own tokens at {state}; of controls over {counted(draws, "draw")}.
      </p>
      <ul class="legend">
        {directionKinds.map(({ id, title }) => (
          <li key={id}>
            <MethodShape style={sizeStyles[id]} />
            {title}
          </li>
        ))}
      </ul>
      <figure class="chart-wide">
        <LineChart
          label={`Size of the projections by layer at ${state}, on the refusal direction and on those of the controls.`}
          x={{ title: "layer", from: 1, to: Math.max(2, layers.length) }}
          y={{ title: "half distance of the means", from: 0, to: most }}
          lines={directionKinds.map(({ id }) => ({
            key: id,
            class: `method-line method-${sizeStyles[id]}${id === "refusal" ? "" : " dotted"}`,
            shape: sizeStyles[id],
            marks: "ends",
            points: layers.flatMap(({ layer, size }) => {
              const y = size[id];
              return y === null || y === undefined ? [] : [{ x: layer, y }];
            }),
          }))}
        />
      </figure>
    </>
  );
}

const layerColumns: Column<StateFigures["layers"][number]>[] = [
  { id: "layer", title: "Layer", number: true, sort: ({ layer }) => layer, cell: ({ layer }) => layer },
  {
    id: "distance",
    title: "Distance of the means",
    number: true,
    sort: ({ distance }) => distance ?? undefined,
    cell: ({ distance }) => quantity(distance),
  },
  {
    id: "cosine",
    title: "Cosine with the first state's",
    number: true,
    sort: ({ cosine }) => cosine ?? undefined,
    cell: ({ cosine }) => figure(cosine),
  },
  {
    id: "shuffled",
    title: "Length with shuffled labels, over the distance",
    number: true,
    sort: ({ shuffledLength }) => shuffledLength ?? undefined,
    cell: ({ shuffledLength }) => figure(shuffledLength),
  },
  ...directionKinds.map(
    ({ id, title }): Column<StateFigures["layers"][number]> => ({
      id: `size_${id}`,
      title: `${title}, size`,
      number: true,
      sort: ({ size }) => size[id] ?? undefined,
      cell: ({ size }) => figure(size[id]),
    }),
  ),
];
