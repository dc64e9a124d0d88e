import type { FiguresOf } from "../../../protocol/probe/contract.ts";
import type { directionContract } from "../../../protocol/probe/direction.ts";
import type { ProbeTable } from "../../../protocol/probe/result.ts";
import type { ProbeQuestion } from "../definition.ts";
import type { DirectionOptions, DirectionSample } from "./sample.ts";

type Figures = FiguresOf<typeof directionContract>;
type Column = ProbeTable["columns"][number];
type Cell = ProbeTable["rows"][number][number];
type State = Figures["states"][number];
type AgreementRow = State["rates"][number]["agreement"][number];
type Slope = State["rates"][number]["spillOver"]["general"]["measured"];

const column = (id: string, title: string, unit: string | null, description: string): Column => ({
  id,
  title,
  unit,
  description,
});
const group = column(
  "group",
  "Group",
  null,
  "toxic, seemingly_toxic, general; all of them; or matched pairs",
);
const interval = (id: string, title: string) => [
  column(id, title, null, title),
  column(`${id}_lower`, `${title}, lower`, null, "2.5 % quantile of bootstrap draws over prompts and steps"),
  column(`${id}_upper`, `${title}, upper`, null, "97.5 % quantile"),
];
const cells = (slope: Slope): Cell[] => [slope?.value ?? null, slope?.lower ?? null, slope?.upper ?? null];

/** The data of the figures: every change, how well predictions agree, spill-over, controls, and what training did. */
export function directionTables(
  { prompts }: ProbeQuestion<DirectionOptions>,
  sample: DirectionSample,
  figures: Figures,
): ProbeTable[] {
  const rows = sample.prompts.map((i) => prompts[i]!);
  return [
    {
      id: "changes",
      title: "Predicted and measured changes",
      columns: [
        column("state", "State", null, "State of the model"),
        column("rate", "Learning rate", null, "Of the step of plain SGD"),
        column("trained", "Trained on", null, "Ids of the prompts that the step trains on"),
        column("id", "Prompt", null, "Id of the prompt that is measured"),
        group,
        column("own", "Own step", null, "Whether the step trains on this very prompt"),
        column("predicted", "Predicted change", "nats", "−η·∇RS(x′)·∇L(x, y)"),
        column("measured", "Measured change", "nats", "Of the refusal log-odds"),
      ],
      rows: figures.states.flatMap(({ state, predicted, rates }) =>
        rates.flatMap(({ rate, measured }) =>
          sample.steps.flatMap((step, s) =>
            rows.map(({ id, group: own }, p): Cell[] => [
              ...[state, rate, step.prompts.join(" "), id, own, step.prompts.includes(id)],
              ...[rate * (predicted[s]![p] ?? Number.NaN), measured[s]![p]!],
            ]),
          ),
        ),
      ),
    },
    {
      id: "agreement",
      title: "Agreement of predictions with measurements",
      columns: [
        column("state", "State", null, "State of the model"),
        column("rate", "Learning rate", null, "Of the steps"),
        group,
        column("pairs", "Changes", null, "How many changes are compared"),
        ...interval("slope", "Slope through the origin"),
        ...interval("r2", "R²"),
        column(
          "as_predicted",
          "Share explained with slope 1",
          null,
          "1 − Σ (measured − predicted)² / Σ measured²",
        ),
      ],
      rows: figures.states.flatMap(({ state, rates }) =>
        rates.flatMap(({ rate, agreement }) =>
          agreement.map((each) => [state, rate, ...agreementCells(each)]),
        ),
      ),
    },
    spillTable(figures),
    controlTable(figures),
    ...(figures.strides.length > 0 ? strideTables(rows, figures) : []),
  ];
}

function agreementCells({ group: own, pairs, slope, r2, asPredicted }: AgreementRow): Cell[] {
  return [own, pairs, ...cells(slope), ...cells(r2), asPredicted];
}

function spillTable({ states, strideSpillOver }: Figures): ProbeTable {
  const scales = [
    ["log-odds", "spillOver"],
    ["probability", "probabilitySpillOver"],
  ] as const;
  const others = ["seeminglyToxic", "general"] as const;
  return {
    id: "spill-over",
    title: "Spill-over from toxic prompts",
    columns: [
      column("state", "State", null, "State of the model; empty for what training did between states"),
      column("rate", "Learning rate", null, "Of the steps"),
      column("scale", "Scale", null, "Refusal log-odds or refusal probability"),
      column("onto", "Onto", null, "The group whose changes are set against those of toxic prompts"),
      ...interval("predicted", "Predicted slope"),
      ...interval("measured", "Measured slope"),
    ],
    rows: [
      ...states.flatMap(({ state, rates }) =>
        rates.flatMap((at) =>
          scales.flatMap(([scale, key]) =>
            others.map((onto): Cell[] => {
              const { predicted, measured } = at[key][onto];
              return [state, at.rate, scale, onto, ...cells(predicted), ...cells(measured)];
            }),
          ),
        ),
      ),
      ...(strideSpillOver
        ? others.map((onto): Cell[] => {
            const { predicted, measured } = strideSpillOver[onto];
            return [null, null, "log-odds", onto, ...cells(predicted), ...cells(measured)];
          })
        : []),
    ],
  };
}

function controlTable({ states }: Figures): ProbeTable {
  return {
    id: "controls",
    title: "Controls",
    columns: [
      column("state", "State", null, "State of the model"),
      column("control", "Control", null, "What was exchanged"),
      column("figure", "Figure", null, "What is given"),
      column("value", "Value", null, "In nats where it is a change"),
    ],
    rows: states.flatMap(({ state, controls }) => {
      const { permutedTraining, permutedPrompts, randomDirections, answersSwapped } = controls;
      const all: [string, string, number | null][] = [
        ["permuted training prompts", "mean R²", permutedTraining.mean],
        ["permuted training prompts", "97.5 % quantile of R²", permutedTraining.upper],
        ["permuted measured prompts", "mean R²", permutedPrompts.mean],
        ["permuted measured prompts", "97.5 % quantile of R²", permutedPrompts.upper],
      ];
      if (randomDirections) {
        all.push(["random directions", "root mean square change", randomDirections.change]);
        all.push(["random directions", "the same of gradient steps", randomDirections.ofGradients]);
      }
      for (const { group: own, predicted, measured, refusals } of answersSwapped?.means ?? []) {
        all.push(["answers swapped", `mean predicted change, ${own}`, predicted]);
        all.push(["answers swapped", `mean measured change, ${own}`, measured]);
        all.push(["answers swapped", `mean measured change with refusals, ${own}`, refusals]);
      }
      return all.map((each): Cell[] => [state, ...each]);
    }),
  };
}

function strideTables(rows: readonly { id: string; group: string }[], { strides }: Figures): ProbeTable[] {
  const between = [
    column("from", "From", null, "State"),
    column("to", "To", null, "A later state"),
    column("steps", "Steps", null, "Of training, between them"),
  ];
  return [
    {
      id: "training-changes",
      title: "What training changed, and its first order",
      columns: [
        ...between,
        column("id", "Prompt", null, "Id of the prompt"),
        group,
        column("predicted", "Predicted change", "nats", "∇RS(x′)·Δθ, with Δθ as training made it"),
        column("measured", "Measured change", "nats", "Of the refusal log-odds"),
      ],
      rows: strides.flatMap(({ from, to, steps, predicted, measured }) =>
        rows.map(({ id, group: own }, i): Cell[] => [from, to, steps, id, own, predicted[i]!, measured[i]!]),
      ),
    },
    {
      id: "training-agreement",
      title: "Agreement with what training changed",
      columns: [
        ...between,
        group,
        column("pairs", "Changes", null, "How many changes are compared"),
        ...interval("slope", "Slope through the origin"),
        ...interval("r2", "R²"),
        column(
          "as_predicted",
          "Share explained with slope 1",
          null,
          "1 − Σ (measured − predicted)² / Σ measured²",
        ),
      ],
      rows: strides.flatMap(({ from, to, steps, agreement }) =>
        agreement.map((each) => [from, to, steps, ...agreementCells(each)]),
      ),
    },
  ];
}
