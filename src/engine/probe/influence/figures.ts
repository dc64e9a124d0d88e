import { sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import type { FiguresOf, OptionsOf } from "../../../protocol/probe/contract.ts";
import type { influenceContract } from "../../../protocol/probe/influence.ts";
import { type ProbeTable, type TrainingPart, trainingPartSchema } from "../../../protocol/probe/result.ts";
import type { ProbeContext } from "../definition.ts";
import type { Interval } from "./intervals.ts";
import type { Found } from "./study.ts";

type Options = OptionsOf<typeof influenceContract>;
type InfluenceFigures = FiguresOf<typeof influenceContract>;
type Target = InfluenceFigures["targets"][number];

/** How many of the strongest pairs are looked at for whether several prompts share them. */
const strongest = 10;

/** The figures of what was found: contributions of each target and control, and the controls. */
export function figuresOf(
  { states, training, options }: ProbeContext<Options>,
  intervals: readonly Interval[],
  found: Found,
): InfluenceFigures {
  return {
    intervals: intervals.map(({ from, steps, rate, pairs }) => ({
      from: states[from]!.name,
      to: states[from + 1]!.name,
      steps,
      pairs: pairs.length,
      rate,
    })),
    targets: found.prompts.map((prompt, t): Target => {
      const own = found.contributions[t]!;
      const absolute = own.reduce((sum, x) => sum + Math.abs(x), 0);
      const squares = own.reduce((sum, x) => sum + x * x, 0);
      const order = [...own.keys()].filter((i) => found.drawn[i]! > 0).sort((a, b) => own[b]! - own[a]!);
      const listed = (indices: readonly number[]) =>
        indices.slice(0, options.listed).map((i) => ({
          training: i,
          contribution: own[i]!,
          share: Math.abs(own[i]!) / absolute,
          drawn: found.drawn[i]!,
        }));
      const logOdds = found.points.map((points) => points[t]!.logOdds);
      return {
        prompt,
        role: t < found.targets ? "target" : "control",
        logOdds,
        probability: found.points.map((points) => points[t]!.probability),
        predicted: own.reduce((sum, x) => sum + x, 0),
        measured: logOdds.at(-1)! - logOdds[0]!,
        byPart: trainingPartSchema.options.flatMap((part) => partOf(part, training, own, found.drawn)),
        effective: absolute ** 2 / squares,
        towards: listed(order.filter((i) => own[i]! > 0)),
        away: listed(order.filter((i) => own[i]! < 0).reverse()),
        byInterval: [...found.byInterval[t]!],
      };
    }),
    controls: {
      ...sharedWithControls(found),
      shuffled: found.exchanged.own.length < 2 ? null : exchangedFigures(found.exchanged),
    },
  };
}

function partOf(
  part: TrainingPart,
  training: readonly { part: TrainingPart }[],
  contributions: Float64Array,
  drawn: Uint32Array,
): Target["byPart"] {
  const own = [...training.keys()].filter((i) => training[i]!.part === part && drawn[i]! > 0);
  if (own.length === 0) return [];
  const sum = (of: (i: number) => number) => own.reduce((total, i) => total + of(i), 0);
  return [{ part, contribution: sum((i) => contributions[i]!), drawn: sum((i) => drawn[i]!) }];
}

/** Whether the pairs that push a target push other prompts as well. */
function sharedWithControls({ contributions, targets, drawn }: Found) {
  const used = [...drawn.keys()].filter((i) => drawn[i]! > 0);
  const rows = contributions.map((own) => used.map((i) => own[i]!));
  const top = rows.map(
    (row) => new Set([...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, strongest)),
  );
  const [correlations, overlaps]: [number[], number[]] = [[], []];
  for (let t = 0; t < targets; t++) {
    for (let c = targets; c < rows.length; c++) {
      if (used.length > 2) correlations.push(sampleRankCorrelation(rows[t]!, rows[c]!));
      overlaps.push([...top[t]!].filter((i) => top[c]!.has(i)).length / top[t]!.size);
    }
  }
  return { rankCorrelation: meanOf(correlations), overlap: meanOf(overlaps) };
}

function exchangedFigures({ own, exchanged }: Found["exchanged"]) {
  const size = (values: readonly number[]) => meanOf(values.map(Math.abs));
  return {
    pairs: own.length,
    own: size(own),
    exchanged: size(exchanged),
    correlation: sampleCorrelation(own, exchanged),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Every contribution, the data of the figures. */
export function contributionTable({ prompts, training }: ProbeContext<Options>, found: Found): ProbeTable {
  const column = (id: string, title: string, unit: string | null, description: string) => ({
    id,
    title,
    unit,
    description,
  });
  return {
    id: "contributions",
    title: "Contributions of training pairs",
    columns: [
      column("prompt", "Prompt", null, "Id of the prompt"),
      column("role", "Role", null, "target, or control: another prompt, drawn by the seed"),
      column("training", "Training pair", null, "Id of its prompt"),
      column("part", "Part", null, "Of the recipe's data"),
      column("file", "File", null, "In which the pair is"),
      column("line", "Line", null, "1-based line of the file"),
      column("drawn", "Drawn", null, "How often the steps drew it"),
      column("contribution", "Contribution", "nats", "Predicted change of the prompt's refusal log-odds"),
      column("share", "Share", null, "|contribution| over the sum of all"),
    ],
    rows: found.prompts.flatMap((prompt, t) => {
      const own = found.contributions[t]!;
      const absolute = own.reduce((sum, x) => sum + Math.abs(x), 0);
      const role = t < found.targets ? "target" : "control";
      return [...own.keys()]
        .filter((i) => found.drawn[i]! > 0)
        .sort((a, b) => own[b]! - own[a]!)
        .map((i) => {
          const { id, part, file, line } = training[i]!;
          return [
            ...[prompts[prompt]!.id, role, id, part, file, line],
            ...[found.drawn[i]!, own[i]!, Math.abs(own[i]!) / absolute],
          ];
        });
    }),
  };
}
