import { useMemo, useState } from "preact/hooks";
import type { boundContract } from "../../protocol/probe/bound.ts";
import { kernelPairs } from "../../protocol/probe/kernel.ts";
import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import { count, figure, interval, percent, pValue, quantity } from "../../wording/numbers.ts";
import { type ChartLine, LineChart } from "../ui/lineChart.tsx";
import { axisOf, type MarkStyle, Scatter, type ScatterPoint } from "../ui/scatter.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Choice } from "./choice.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { MarkLegend, pairsTitle } from "./groups.tsx";
import { PromptLine } from "./promptLine.tsx";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof boundContract>;
type StateFigures = Figures["states"][number];
type LayerFigures = StateFigures["layers"][number];
type Sides = LayerFigures["between"][number];

/** Colours and shapes of pairs, by the groups that they are between. */
const styles: readonly MarkStyle[] = kernelPairs.map((between, k) => ({
  ...{
    title: pairsTitle(between),
    class: `method-line method-${(k + 1) % 6}`,
    shape: (k + Math.floor(k / 6)) % 6,
  },
}));

/** Both sides of the bound for pairs of prompts, how tight it is between groups and by layer, and its controls. */
export function Bound({ result, figures, blur, post }: FigureProps<Figures>) {
  const [at, setAt] = useState(0);
  const state = figures.states[at]!;
  const layers = state.layers.map(({ layer }) => layer);
  const [chosen, choose] = useState(figures.layer);
  const layer = state.layers.find((each) => each.layer === chosen);
  return (
    <>
      <div class="figure-controls">
        <Scrubber states={figures.states.map(({ state: name }) => name)} chosen={at} onChoose={setAt} />
        {layers.length > 1 && (
          <Choice
            label="Layer of the table"
            value={String(chosen)}
            onChange={(value) => choose(Number(value))}
            options={layers.map((each) => [
              String(each),
              each === figures.layer ? `${each} (ℓ)` : String(each),
            ])}
          />
        )}
      </div>
      <p class="muted about">
        θ: {figures.parameters === "all" ? "all weights" : "the weights of all blocks"}; logits: the{" "}
        {count(figures.top)} most probable tokens. Q_ℓ is fitted on {count(figures.fitted.length)} prompts;
        pairs of the other {count(figures.measured.length - figures.fitted.length)} are shown.
      </p>
      <div class="figure-beside">
        <Pairs {...{ state, layer: figures.layer, prompts: result.prompts, blur, post }} />
        <div>
          <Gaps gaps={state.gaps} layer={figures.layer} />
          {layer && <Fit layer={layer} />}
        </div>
      </div>
      {layer && (
        <>
          <h3>
            Terms of the bound at layer {layer.layer}: c = {quantity(layer.c)}, τ = {quantity(layer.tau)}, Δ ={" "}
            {quantity(layer.delta)}
          </h3>
          <SortableTable
            caption={`Means over pairs at layer ${layer.layer}`}
            rows={layer.between}
            keyOf={({ between }) => between}
            columns={sidesColumns}
          />
          <p class="muted about">
            The tail, the parameters from layer {layer.layer} on, has {percent(layer.tailShare)} of the
            kernel; its own norm is {figure(layer.tailChange)} times that of the first state. Where the tail
            is frozen, τ is 0 in the bound, but the tail's own kernel still changes with the features that it
            reads.
          </p>
        </>
      )}
      <Curves state={state} chosen={figures.layer} />
    </>
  );
}

function Pairs({
  state: { state, pairs },
  layer,
  prompts,
  blur,
  post,
}: {
  state: StateFigures;
  layer: number;
  prompts: readonly ProbePrompt[];
} & Pick<FigureProps<unknown>, "blur" | "post">) {
  const [focused, setFocused] = useState<number | null>(null);
  const known = useMemo(
    () =>
      pairs.flatMap((pair) =>
        pair.left === null || pair.right === null ? [] : [{ ...pair, left: pair.left, right: pair.right }],
      ),
    [pairs],
  );
  const canLog = known.length > 0 && known.every(({ left, right }) => left > 0 && right > 0);
  const [asked, setLog] = useState<boolean | null>(null);
  const values = known.flatMap(({ left, right }) => [left, right]);
  const isLog = canLog && (asked ?? greatestOf(values) > 30 * leastOf(values));
  const to = (value: number) => (isLog ? Math.log10(value) : value);
  const points = known.map(
    ({ first, second, matched, left, right }): ScatterPoint => ({
      x: to(right),
      y: to(left),
      style: kernelPairs.indexOf(matched ? "matched" : betweenOf(prompts[first]!, prompts[second]!)),
    }),
  );
  const present = styles.filter((_, k) => points.some(({ style }) => style === k));
  const name = (side: string) => (isLog ? `log₁₀ of the ${side}` : side);
  const x = axisOf(
    name("right side"),
    points.map((point) => point.x),
  );
  const y = axisOf(
    name("left side, ‖K(x′, x)‖"),
    points.map((point) => point.y),
  );
  const at = focused === null ? undefined : known[focused];
  return (
    <figure>
      <MarkLegend styles={present} />
      <Scatter
        label={`Left side of the bound over its right side of ${count(known.length)} pairs at ${state}, layer ${layer}. Arrow keys go from pair to pair.`}
        {...{ x, y, points, styles, focused }}
        onFocus={setFocused}
        diagonal
      />
      {canLog && (
        <label class="check">
          <input
            type="checkbox"
            checked={isLog}
            onChange={({ currentTarget }) => setLog(currentTarget.checked)}
          />
          Logarithmic axes
        </label>
      )}
      <div class="readout" aria-live="polite">
        {at === undefined ? (
          <p class="muted">
            On the dashed diagonal both sides are equal, so the bound is tight; it holds below.
          </p>
        ) : (
          <>
            <p>
              Left <strong>{quantity(at.left)}</strong>, right <strong>{quantity(at.right)}</strong> (features{" "}
              {quantity(at.features)}, cross term {quantity(at.cross)}), ratio {figure(at.ratio)}
            </p>
            <PromptLine prompt={prompts[at.first]!} {...{ blur, post }} />
            <PromptLine prompt={prompts[at.second]!} {...{ blur, post }} />
          </>
        )}
      </div>
    </figure>
  );
}

/** The groups that a pair is between, in the order in which they are named. */
function betweenOf({ group: a }: ProbePrompt, { group: b }: ProbePrompt) {
  return kernelPairs.find((between) => between === `${a} × ${b}` || between === `${b} × ${a}`)!;
}

const sidesColumns: Column<Sides>[] = [
  { id: "between", title: "Between", cell: ({ between }) => pairsTitle(between) },
  { id: "pairs", title: "Pairs", number: true, cell: ({ pairs }) => count(pairs) },
  { id: "left", title: "Left side", number: true, cell: ({ left }) => quantity(left) },
  { id: "right", title: "Right side", number: true, cell: ({ right }) => quantity(right) },
  {
    id: "ratio",
    title: "Left over right (lowest, highest)",
    number: true,
    cell: ({ ratio: { mean, lowest, highest } }) => `${figure(mean)} (${figure(lowest)}, ${figure(highest)})`,
  },
  { id: "features", title: "Features", number: true, cell: ({ features }) => quantity(features) },
  { id: "cross", title: "Cross term", number: true, cell: ({ cross }) => quantity(cross) },
  { id: "tail", title: "τ²", number: true, cell: ({ tail }) => quantity(tail) },
  { id: "delta", title: "Δ", number: true, cell: ({ delta }) => quantity(delta) },
  { id: "without", title: "Broken without Δ", number: true, cell: ({ without }) => percent(without) },
  { id: "trunk", title: "Left, tail frozen", number: true, cell: ({ trunk }) => quantity(trunk) },
  { id: "frozen", title: "Right, tail frozen", number: true, cell: ({ frozen }) => quantity(frozen) },
  {
    id: "tail_kernel",
    title: "Kernel of the tail",
    number: true,
    cell: ({ tailKernel }) => quantity(tailKernel),
  },
];

function Gaps({ gaps, layer }: { gaps: StateFigures["gaps"]; layer: number }) {
  if (gaps === null) return null;
  const rows = [
    { title: "Left side", gap: gaps.left },
    { title: "Features term", gap: gaps.features },
    { title: "Right side", gap: gaps.right },
  ];
  return (
    <>
      <h3>Gap between within and across groups, layer {layer}</h3>
      <p class="muted about">
        Toxic and seemingly toxic prompts: mean within the two minus mean across, over the mean of all; beside
        shuffled labels.
      </p>
      <SortableTable
        caption="Gaps beside shuffled labels"
        rows={rows}
        keyOf={({ title }) => title}
        columns={gapColumns}
      />
    </>
  );
}

const gapColumns: Column<{ title: string; gap: NonNullable<StateFigures["gaps"]>["left"] }>[] = [
  { id: "side", title: "Of", cell: ({ title }) => title },
  { id: "value", title: "Gap", number: true, cell: ({ gap }) => figure(gap.value) },
  {
    id: "shuffled",
    title: "Shuffled labels, 95 %",
    number: true,
    cell: ({ gap: { shuffled } }) =>
      shuffled.lower === null || shuffled.upper === null
        ? "–"
        : interval({ lower: shuffled.lower, upper: shuffled.upper }),
  },
  { id: "p", title: "p", number: true, cell: ({ gap }) => pValue(gap.shuffled.p) },
];

function Fit({ layer: { layer, fit, carried } }: { layer: LayerFigures }) {
  const rows = [
    { title: "c_ℓ h′ᵀQ_ℓh", words: figure(fit.r2) },
    { title: "A multiple of h′ᵀh alone", words: figure(fit.inner) },
    {
      title: "Control: features of another prompt (highest)",
      words: `${figure(fit.permuted.mean)} (${figure(fit.permuted.highest)})`,
    },
    ...(carried ? [{ title: "c_ℓ and Q_ℓ of the first state", words: figure(carried.r2) }] : []),
  ];
  return (
    <>
      <h3>R² of forms in features for the kernel before layer {layer}, on other prompts</h3>
      <SortableTable
        caption="How well features say the kernel"
        rows={rows}
        keyOf={({ title }) => title}
        columns={fitColumns}
      />
    </>
  );
}

const fitColumns: Column<{ title: string; words: string }>[] = [
  { id: "form", title: "Form", cell: ({ title }) => <span class="control-words">{title}</span> },
  { id: "r2", title: "R²", number: true, cell: ({ words }) => words },
];

function Curves({ state: { state, layers }, chosen }: { state: StateFigures; chosen: number }) {
  if (layers.length < 2) return null;
  const ends = layers.map(({ layer }) => layer);
  const axis = { title: "layer ℓ", from: leastOf(ends), to: greatestOf(ends) };
  const line = (
    key: string,
    style: string,
    shape: number,
    of: (layer: LayerFigures) => number | null | undefined,
  ): ChartLine => ({
    ...{ key, class: style, shape, marks: "each" },
    points: layers.flatMap((layer) => {
      const y = of(layer);
      return y === null || y === undefined ? [] : [{ x: layer.layer, y }];
    }),
  });
  const tightness = kernelPairs.map((between, k) =>
    line(
      between,
      styles[k]!.class,
      styles[k]!.shape,
      (layer) => layer.between.find((each) => each.between === between)?.ratio.mean,
    ),
  );
  const fits = [
    line("fit", "method-line method-2", 2, ({ fit }) => fit.r2),
    line("inner", "method-line method-4 dashed", 4, ({ fit }) => fit.inner),
    line("permuted", "method-line method-0 dotted", 0, ({ fit }) => fit.permuted.mean),
  ];
  const low = leastOf([0, ...fits.flatMap(({ points }) => points.map(({ y }) => Math.max(-1, y)))]);
  const shown = tightness.filter(({ points }) => points.length > 0);
  const legend = [
    { title: "c_ℓ h′ᵀQ_ℓh", class: "method-line method-2", shape: 2 },
    { title: "h′ᵀh", class: "method-line method-4", shape: 4 },
    { title: "control: permuted features", class: "method-line method-0", shape: 0 },
  ];
  return (
    <>
      <h3>By layer, at {state}</h3>
      <div class="side-by-side curves-by-layer">
        <figure>
          <figcaption>How tight: left over right side</figcaption>
          <MarkLegend
            styles={styles.filter(({ title }) => shown.some(({ key }) => pairsTitle(key) === title))}
          />
          <LineChart
            label={`Mean ratio of the two sides by layer; ℓ is ${chosen}.`}
            x={axis}
            y={{
              title: "left over right",
              from: 0,
              to: greatestOf([1, ...shown.flatMap(({ points }) => points.map(({ y }) => y))]),
            }}
            lines={shown}
            reference={1}
          />
        </figure>
        <figure>
          <figcaption>How well features say the kernel before ℓ</figcaption>
          <MarkLegend styles={legend} />
          <LineChart
            label="R² of the forms in features by layer, on prompts that they were not fitted on."
            x={axis}
            y={{ title: "R² (below −1 is cut)", from: low, to: 1 }}
            lines={fits.map((each) => ({
              ...each,
              points: each.points.map(({ x, y }) => ({ x, y: Math.max(-1, y) })),
            }))}
            reference={0}
          />
        </figure>
        <figure>
          <figcaption>Share of the tail in the kernel, and its change</figcaption>
          <MarkLegend
            styles={[
              { title: "share of the tail", class: "method-line method-1", shape: 1 },
              { title: "its norm over that of the first state", class: "method-line method-3", shape: 3 },
            ]}
          />
          <LineChart
            label="Share of the tail in the kernel, and its norm over that of the first state, by layer."
            x={axis}
            y={{
              title: "ratio",
              from: 0,
              to: greatestOf([1, ...layers.map(({ tailChange }) => tailChange ?? 0)]),
            }}
            lines={[
              line("share", "method-line method-1", 1, ({ tailShare }) => tailShare),
              line("change", "method-line method-3 dashed", 3, ({ tailChange }) => tailChange),
            ]}
          />
        </figure>
      </div>
    </>
  );
}
