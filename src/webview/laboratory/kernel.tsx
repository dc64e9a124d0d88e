import { useMemo, useState } from "preact/hooks";
import type { kernelContract } from "../../protocol/probe/kernel.ts";
import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { count, figure, interval, percent, pValue, quantity } from "../../wording/numbers.ts";
import { type HeatCell, HeatMap, HeatScale } from "../ui/heatMap.tsx";
import { LineChart } from "../ui/lineChart.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { MethodShape } from "../ui/whisker.tsx";
import { Choice } from "./choice.tsx";
import { estimateWords } from "./estimate.ts";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupStyle, groupStyles, MarkLegend, pairsTitle } from "./groups.tsx";
import { opener, PromptLine } from "./promptLine.tsx";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof kernelContract>;
type StateFigures = Figures["states"][number];
type Matrices = StateFigures["kernel"];
type Scale = "symmetric" | "ratio" | "norm";

const scales: readonly (readonly [Scale, string])[] = [
  ["symmetric", "symmetric ratio, 0 to 1"],
  ["ratio", "κ, over the norm of the row's prompt"],
  ["norm", "norm ‖K‖"],
];

/** A state that is shown, with the kernel of the chosen parameters. */
interface Shown {
  readonly name: string;
  readonly kernel: Matrices;
}

/** The kernel between prompts at one state, or at two on one scale, with means between groups, controls and shares by layer. */
export function Kernel({ result, figures, blur, post }: FigureProps<Figures>) {
  const { states, measured } = figures;
  const [scale, setScale] = useState<Scale>("symmetric");
  const [head, setHead] = useState("with");
  const [pair, setPair] = useState<readonly [number, number]>([0, states.length - 1]);
  const [focused, setFocused] = useState<HeatCell | null>(null);
  const chosen = states.length > 1 ? [...pair] : [0];
  const shown = chosen.map((at): Shown => {
    const { state, kernel, withoutHead } = states[at]!;
    return { name: state, kernel: (head === "without" && withoutHead) || kernel };
  });
  const prompts = measured.map((i) => result.prompts[i]!);
  const names = states.map(({ state }) => state);
  return (
    <>
      <div class="figure-controls">
        <Choice
          label="Shown is"
          value={scale}
          onChange={(value) => setScale(value as Scale)}
          options={scales}
        />
        {states.some(({ withoutHead }) => withoutHead !== null) && (
          <Choice
            label="Head"
            value={head}
            onChange={setHead}
            options={[
              ["with", "with the head's weights"],
              ["without", "without the head's weights"],
            ]}
          />
        )}
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
      <p class="muted about">{aboutKernel(figures)}</p>
      <Maps {...{ shown, scale, prompts, focused, setFocused, blur, post }} />
      <h3>Means between groups</h3>
      <SortableTable
        caption="Mean kernel between groups, with 95 % intervals"
        rows={blockRows(shown, scale)}
        keyOf={({ between }) => between}
        columns={blockColumns(shown.map(({ name }) => name))}
      />
      <h3>Controls</h3>
      <SortableTable
        caption="Differences of the symmetric ratio, beside chance"
        rows={testRows(shown)}
        keyOf={({ key }) => key}
        columns={testColumns}
      />
      <Shares states={chosen.map((at) => states[at]!)} />
    </>
  );
}

function aboutKernel({ parameters, logits, relativeError, tokens, shared }: Figures): string {
  return [
    `θ: ${parameters.of} (${count(parameters.count)} numbers). Logits: ${logits}.`,
    relativeError === null
      ? "Norms are exact."
      : `Relative standard error of one norm: at most about ${percent(relativeError)}.`,
    `${count(tokens.total)} tokens, ${count(tokens.shortest)} to ${count(tokens.longest)} per text.`,
    shared === null ? "" : `Two prompts have ${percent(shared)} of their top tokens in common on average.`,
  ].join(" ");
}

function Maps({
  shown,
  scale,
  prompts,
  focused,
  setFocused,
  blur,
  post,
}: {
  shown: readonly Shown[];
  scale: Scale;
  prompts: readonly ProbePrompt[];
  focused: HeatCell | null;
  setFocused: (cell: HeatCell | null) => void;
} & Pick<FigureProps<unknown>, "blur" | "post">) {
  const styles = useMemo(() => prompts.map((prompt) => groupStyles[groupStyle(prompt)]!), [prompts]);
  const most = greatestOf([0, ...shown.flatMap(({ kernel }) => offDiagonal(kernel[scale]))]);
  const open = opener(post);
  const words = scale === "norm" ? quantity : figure;
  const [row, column] = focused ? [prompts[focused.row]!, prompts[focused.column]!] : [];
  return (
    <>
      <MarkLegend styles={groupStyles.filter((style) => styles.includes(style))} />
      <HeatScale words={[words(0), `${words(most)}, the greatest off the diagonal`]} />
      <div class="side-by-side maps">
        {shown.map(({ name, kernel }, k) => (
          <figure key={`${name} ${k}`}>
            <figcaption>{name}</figcaption>
            <HeatMap
              label={`Kernel of ${prompts.length} prompts at ${name}, rows x′, columns x, by group. Arrow keys go from cell to cell, Enter opens the row's prompt.`}
              values={kernel[scale]}
              rowStyles={styles}
              columnStyles={styles}
              {...{ most, focused }}
              onFocus={setFocused}
              onOpen={open && ((cell) => open(prompts[cell.row]!))}
            />
          </figure>
        ))}
      </div>
      <div class="readout" aria-live="polite">
        {focused && row && column ? (
          <>
            <p>
              {shown.map(({ name, kernel }, k) => (
                <span key={`${name} ${k}`} class="value-at">
                  {name}: <strong>{words(kernel[scale][focused.row]?.[focused.column])}</strong>
                </span>
              ))}
            </p>
            <div class="side-by-side">
              <PromptLine prompt={row} more={["row x′"]} {...{ blur, post }} />
              <PromptLine prompt={column} more={["column x"]} {...{ blur, post }} />
            </div>
          </>
        ) : (
          <p class="muted">Point at a cell, or focus a map and use the arrow keys, to see its two prompts.</p>
        )}
      </div>
    </>
  );
}

function offDiagonal(matrix: Matrices[Scale]): number[] {
  return matrix.flatMap((line, i) => line.flatMap((value, j) => (value === null || i === j ? [] : [value])));
}

interface BlockRow {
  readonly between: string;
  readonly pairs: number;
  readonly found: readonly string[];
}

function blockRows(shown: readonly Shown[], scale: Scale): BlockRow[] {
  const [first] = shown;
  return first!.kernel.blocks.map(({ between, pairs }) => ({
    ...{ between: pairsTitle(between), pairs },
    found: shown.map(({ kernel }) => {
      const own = kernel.blocks.find((block) => block.between === between)?.[scale];
      return scale === "norm" && own
        ? `${quantity(own.value)} [${quantity(own.lower)}, ${quantity(own.upper)}]`
        : estimateWords(own);
    }),
  }));
}

function blockColumns(names: readonly string[]): Column<BlockRow>[] {
  return [
    { id: "between", title: "Between", sort: ({ between }) => between, cell: ({ between }) => between },
    {
      id: "pairs",
      title: "Pairs",
      number: true,
      sort: ({ pairs }) => pairs,
      cell: ({ pairs }) => count(pairs),
    },
    ...names.map(
      (name, k): Column<BlockRow> => ({
        ...{ id: `state_${k}`, title: name, number: true },
        cell: ({ found }) => found[k],
      }),
    ),
  ];
}

interface TestRow {
  readonly key: string;
  readonly title: string;
  readonly state: string;
  readonly tested: NonNullable<Matrices["contrast"]>;
}

const tests = [
  ["contrast", "Within toxic and seemingly toxic, minus across; beside shuffled labels"],
  ["spill", "Toxic × seemingly toxic minus toxic × general; beside shuffled labels"],
  ["matched", "Matched pairs; beside permuted counterparts"],
] as const;

function testRows(shown: readonly Shown[]): TestRow[] {
  return tests.flatMap(([id, title]) =>
    shown.flatMap(({ name, kernel }, k) => {
      const tested = kernel[id];
      return tested === null ? [] : [{ key: `${id} ${k}`, title, state: name, tested }];
    }),
  );
}

const testColumns: Column<TestRow>[] = [
  { id: "test", title: "Symmetric ratio", cell: ({ title }) => <span class="control-words">{title}</span> },
  { id: "state", title: "State", cell: ({ state }) => state },
  { id: "value", title: "Value", number: true, cell: ({ tested }) => figure(tested.value) },
  {
    id: "chance",
    title: "By chance, 95 %",
    number: true,
    cell: ({ tested: { chance } }) =>
      `${figure(chance.mean)} ${chance.lower === null || chance.upper === null ? "" : interval({ lower: chance.lower, upper: chance.upper })}`,
  },
  { id: "p", title: "p", number: true, cell: ({ tested }) => pValue(tested.chance.p) },
];

function Shares({ states }: { states: readonly StateFigures[] }) {
  const layers = states.flatMap((state) => state.layers.flatMap(({ layer }) => layer ?? []));
  if (layers.length === 0) return null;
  const lines = states.map(({ state, layers: own }, k) => ({
    ...{
      key: `${state} ${k}`,
      class: `method-line method-${(k + 1) % 6}`,
      shape: k + 1,
      marks: "each" as const,
    },
    points: own.flatMap(({ layer, share }) =>
      layer === null || share === null ? [] : [{ x: layer, y: share }],
    ),
  }));
  const values = lines.flatMap(({ points }) => points.map(({ y }) => y));
  const parts = [...new Set(states.flatMap((state) => state.parts.map(({ part }) => part)))];
  return (
    <>
      <h3>Shares of layers and parts</h3>
      <p class="muted about">
        Mean over pairs of ⟨K of the part, K⟩ over ‖K‖². Shares add up to 1 and may be below 0.
      </p>
      <ul class="legend">
        {states.map(({ state }, k) => (
          <li key={`${state} ${k}`}>
            <MethodShape style={(k + 1) % 6} />
            {state}
          </li>
        ))}
      </ul>
      <div class="figure-beside">
        <figure class="chart-wide">
          <LineChart
            label={`Share of each layer in the kernel at ${states.map(({ state }) => state).join(" and ")}.`}
            x={{ title: "layer", from: leastOf(layers), to: greatestOf(layers) }}
            y={{
              title: "share of the kernel",
              from: leastOf([0, ...values]),
              to: greatestOf([0.01, ...values]),
            }}
            lines={lines}
          />
        </figure>
        <SortableTable
          caption="Shares of parts"
          rows={[
            ...parts.map((part) => ({
              part,
              shares: states.map((state) => state.parts.find((each) => each.part === part)?.share),
            })),
            ...(states.some((state) => state.layers.some(({ layer }) => layer === null))
              ? [
                  {
                    part: "outside the blocks",
                    shares: states.map((state) => state.layers.find(({ layer }) => layer === null)?.share),
                  },
                ]
              : []),
          ]}
          keyOf={({ part }) => part}
          columns={[
            { id: "part", title: "Part", cell: ({ part }) => part },
            ...states.map(
              ({ state }, k): Column<{ part: string; shares: readonly (number | null | undefined)[] }> => ({
                ...{ id: `state_${k}`, title: state, number: true },
                sort: ({ shares }) => shares[k] ?? undefined,
                cell: ({ shares }) => figure(shares[k]),
              }),
            ),
          ]}
        />
      </div>
    </>
  );
}
