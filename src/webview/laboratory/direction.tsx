import { useMemo, useState } from "preact/hooks";
import type { directionContract } from "../../protocol/probe/direction.ts";
import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { count, figure, quantity, signed } from "../../wording/numbers.ts";
import { axisOf, Scatter, type ScatterPoint } from "../ui/scatter.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Choice } from "./choice.tsx";
import { type Estimate, estimateWords } from "./estimate.ts";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupStyle, groupStyles, groupTitle, MarkLegend } from "./groups.tsx";
import { opener, PromptLine } from "./promptLine.tsx";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof directionContract>;
type StateFigures = Figures["states"][number];
type RateFigures = StateFigures["rates"][number];
type Agreement = RateFigures["agreement"][number];

/** A change that was predicted and measured: of a prompt, by a step on other prompts or by the training between two states. */
interface Change {
  readonly prompt: ProbePrompt;
  readonly predicted: number;
  readonly measured: number;
  /** What made it, in words. */
  readonly by: string;
}

/** Predicted against measured changes of refusal: by single steps, and by what training did between states. */
export function Direction(props: FigureProps<Figures>) {
  const { strides } = props.figures;
  const [view, setView] = useState("steps");
  return (
    <>
      {strides.length > 0 && (
        <div class="figure-controls">
          <Choice
            label="Changes by"
            value={view}
            onChange={setView}
            options={[
              ["steps", "one step on a training prompt"],
              ["strides", "training between two states"],
            ]}
          />
        </div>
      )}
      {view === "strides" ? <Strides {...props} /> : <Steps {...props} />}
    </>
  );
}

function Steps({ result, figures, blur, post }: FigureProps<Figures>) {
  const [at, setAt] = useState(0);
  const state = figures.states[at]!;
  const { firstOrder, rates } = state;
  const [chosen, choose] = useState<number | null>(null);
  const found = rates.find(({ rate }) => rate === (chosen ?? firstOrder)) ?? rates[0];
  const changes = useMemo(
    () => (found === undefined ? [] : stepChanges(result, figures, state, found)),
    [result, figures, state, found],
  );
  return (
    <>
      <div class="figure-controls">
        <Scrubber states={figures.states.map(({ state: name }) => name)} chosen={at} onChoose={setAt} />
        {found && (
          <Choice
            label="Learning rate of the step"
            value={String(found.rate)}
            onChange={(value) => choose(Number(value))}
            options={rates.map(({ rate }) => [
              String(rate),
              `${quantity(rate)}${rate === firstOrder ? " (first order holds)" : ""}`,
            ])}
          />
        )}
      </div>
      {found === undefined ? (
        <p class="muted">No step was made at {state.state}.</p>
      ) : (
        <div class="figure-beside">
          <Changes {...{ changes, blur, post }} agreement={found.agreement} />
          <div>
            <AgreementTable agreement={found.agreement} />
            <SpillOver
              rows={[
                ["Seemingly toxic, log-odds", found.spillOver.seeminglyToxic],
                ["General, log-odds", found.spillOver.general],
                ["Seemingly toxic, probability", found.probabilitySpillOver.seeminglyToxic],
                ["General, probability", found.probabilitySpillOver.general],
              ]}
            />
            <Controls state={state} />
          </div>
        </div>
      )}
    </>
  );
}

function Strides({ result, figures, blur, post }: FigureProps<Figures>) {
  const { strides, strideSpillOver, prompts } = figures;
  const [at, setAt] = useState(0);
  const stride = strides[Math.min(at, strides.length - 1)]!;
  const name = `${stride.from} to ${stride.to}`;
  const changes = useMemo(
    () =>
      prompts.flatMap((prompt, i) =>
        change(result.prompts[prompt]!, stride.predicted[i], stride.measured[i], `training from ${name}`),
      ),
    [result, prompts, stride, name],
  );
  return (
    <>
      <div class="figure-controls">
        <Scrubber
          label="Training between"
          states={strides.map(({ from, to }) => `${from} to ${to}`)}
          chosen={at}
          onChoose={setAt}
        />
        {strides.length === 1 && <p>{name}</p>}
      </div>
      <div class="figure-beside">
        <Changes {...{ changes, blur, post }} agreement={stride.agreement} />
        <div>
          <AgreementTable agreement={stride.agreement} />
          <h3>Control</h3>
          <p class="about">
            R² where the prediction for one prompt meets the change of another one: mean{" "}
            {figure(stride.control.mean)}, 97.5 % quantile {figure(stride.control.upper)}.
          </p>
          {strideSpillOver && (
            <SpillOver
              rows={[
                ["Seemingly toxic, log-odds, over all states", strideSpillOver.seeminglyToxic],
                ["General, log-odds, over all states", strideSpillOver.general],
              ]}
            />
          )}
        </div>
      </div>
    </>
  );
}

function stepChanges(
  { prompts, training }: FigureProps<Figures>["result"],
  { prompts: measured, steps }: Figures,
  { predicted }: StateFigures,
  { rate, measured: changes }: RateFigures,
): Change[] {
  const words = new Map([...prompts, ...training].map(({ id, prompt }) => [id, prompt]));
  return steps.flatMap((step, t) => {
    const by = `step on “${step.prompts.map((id) => words.get(id) ?? id).join("”, “")}”`;
    return measured.flatMap((prompt, i) => {
      const slope = predicted[t]?.[i];
      return change(
        prompts[prompt]!,
        slope === null || slope === undefined ? null : rate * slope,
        changes[t]?.[i],
        by,
      );
    });
  });
}

function change(
  prompt: ProbePrompt,
  predicted: number | null | undefined,
  measured: number | null | undefined,
  by: string,
): Change[] {
  if (predicted === null || predicted === undefined || measured === null || measured === undefined) return [];
  return [{ prompt, predicted, measured, by }];
}

/** Changes as points, the diagonal where first order holds, and the line through the origin that fits them. */
function Changes({
  changes,
  agreement,
  blur,
  post,
}: { changes: readonly Change[]; agreement: readonly Agreement[] } & Pick<
  FigureProps<unknown>,
  "blur" | "post"
>) {
  const [focused, setFocused] = useState<number | null>(null);
  const points = useMemo(
    () =>
      changes.map(
        ({ prompt, predicted, measured }): ScatterPoint => ({
          x: predicted,
          y: measured,
          style: groupStyle(prompt),
        }),
      ),
    [changes],
  );
  const x = axisOf(
    "predicted change of log-odds (nats)",
    points.map((point) => point.x),
  );
  const y = axisOf(
    "measured change (nats)",
    points.map((point) => point.y),
  );
  const slope = agreement.find(({ group }) => group === "all")?.slope?.value ?? null;
  const present = groupStyles.map((style, k) => ({
    style,
    isThere: points.some((point) => point.style === k),
  }));
  const at = focused === null ? undefined : changes[focused];
  const open = opener(post);
  return (
    <figure>
      <MarkLegend styles={present.filter(({ isThere }) => isThere).map(({ style }) => style)} />
      <Scatter
        label={`Measured against predicted change of ${count(changes.length)} pairs; slope ${figure(slope)}. Arrow keys go from point to point, Enter opens.`}
        {...{ x, y, points, focused }}
        styles={groupStyles}
        onFocus={setFocused}
        onOpen={open && ((point) => open(changes[point]!.prompt))}
        diagonal
        lines={slope === null ? [] : fitLine(slope, x, y)}
      />
      <div class="readout" aria-live="polite">
        {at === undefined ? (
          <p class="muted">
            Dashed: measured as predicted, slope 1. Solid: the line through the origin that fits all points.
          </p>
        ) : (
          <PromptLine
            prompt={at.prompt}
            {...{ blur, post }}
            more={[
              `predicted ${signed(at.predicted, "nats")}, measured ${signed(at.measured, "nats")}`,
              blur ? "" : at.by,
            ]}
          />
        )}
      </div>
    </figure>
  );
}

/** A line through the origin within the axes. */
function fitLine(slope: number, x: { from: number; to: number }, y: { from: number; to: number }) {
  const ends = [x.from, x.to].map((end) => {
    const over = slope * end;
    const cut = Math.min(y.to, Math.max(y.from, over));
    return over === cut ? { x: end, y: over } : { x: cut / slope, y: cut };
  });
  return [{ from: ends[0]!, to: ends[1]!, class: "fit" }];
}

function agreementTitle(group: Agreement["group"]): string {
  if (group === "all") return "all prompts";
  return group === "matched" ? "with their counterpart" : groupTitle(group);
}

function AgreementTable({ agreement }: { agreement: readonly Agreement[] }) {
  return (
    <>
      <h3>Agreement</h3>
      <SortableTable
        caption="How well predicted changes agree with measured ones"
        rows={agreement}
        keyOf={({ group }) => group}
        columns={agreementColumns}
      />
    </>
  );
}

const agreementColumns: Column<Agreement>[] = [
  { id: "group", title: "Prompts", cell: ({ group }) => agreementTitle(group) },
  { id: "pairs", title: "Pairs", number: true, cell: ({ pairs }) => count(pairs) },
  { id: "slope", title: "Slope", number: true, cell: ({ slope }) => estimateWords(slope) },
  { id: "r2", title: "R²", number: true, cell: ({ r2 }) => estimateWords(r2) },
  { id: "as_predicted", title: "R², slope 1", number: true, cell: ({ asPredicted }) => figure(asPredicted) },
];

interface Spill {
  readonly predicted: Estimate;
  readonly measured: Estimate;
}

function SpillOver({ rows }: { rows: readonly (readonly [title: string, spill: Spill])[] }) {
  return (
    <>
      <h3>Spill-over slope</h3>
      <p class="muted about">
        Mean change of a group on that of toxic prompts: 0 is decoupled, 1 full co-movement.
      </p>
      <SortableTable
        caption="Spill-over slopes, predicted and measured"
        rows={rows.map(([title, spill]) => ({ title, ...spill }))}
        keyOf={({ title }) => title}
        columns={spillColumns}
      />
    </>
  );
}

const spillColumns: Column<Spill & { title: string }>[] = [
  { id: "group", title: "Prompts", cell: ({ title }) => <span class="two-lines">{title}</span> },
  { id: "predicted", title: "Predicted", number: true, cell: ({ predicted }) => estimateWords(predicted) },
  { id: "measured", title: "Measured", number: true, cell: ({ measured }) => estimateWords(measured) },
];

function Controls({ state: { controls, firstOrder } }: { state: StateFigures }) {
  const { permutedTraining, permutedPrompts, randomDirections, answersSwapped } = controls;
  const swapped = answersSwapped?.agreement;
  const rows = [
    {
      title: "R², changes of another training prompt",
      words: `${figure(permutedTraining.mean)} (97.5 %: ${figure(permutedTraining.upper)})`,
    },
    {
      title: "R², changes of another prompt",
      words: `${figure(permutedPrompts.mean)} (97.5 %: ${figure(permutedPrompts.upper)})`,
    },
    ...(randomDirections
      ? [
          {
            title: `Root mean square change of ${count(randomDirections.steps)} random steps, and of gradient steps of equal length`,
            words: `${quantity(randomDirections.change)} and ${quantity(randomDirections.ofGradients)} nats`,
          },
        ]
      : []),
    ...(answersSwapped && swapped
      ? [
          {
            title: `Steps with answers of general pairs (${count(answersSwapped.steps)}): slope, R²`,
            words: `${estimateWords(swapped.slope)}, ${estimateWords(swapped.r2)}`,
          },
          ...answersSwapped.means.map(({ group, predicted, measured, refusals }) => ({
            title: `Mean change of ${groupTitle(group)} prompts with these answers: predicted, measured; with refusals`,
            words: `${signed(predicted, "nats")}, ${signed(measured, "nats")}; ${signed(refusals, "nats")}`,
          })),
        ]
      : []),
  ];
  return (
    <>
      <h3>Controls</h3>
      <p class="muted about">
        At the{" "}
        {firstOrder === null ? "lowest rate" : `rate ${quantity(firstOrder)}, up to which first order holds`}.
      </p>
      <SortableTable caption="Controls" rows={rows} keyOf={({ title }) => title} columns={controlColumns} />
    </>
  );
}

const controlColumns: Column<{ title: string; words: string }>[] = [
  { id: "control", title: "Control", cell: ({ title }) => <span class="control-words">{title}</span> },
  { id: "value", title: "Value", number: true, cell: ({ words }) => words },
];
