import type { calibrationContract, Resampled } from "../../../protocol/probe/calibration.ts";
import type { FiguresOf } from "../../../protocol/probe/contract.ts";
import type { ProbePrompt, ProbeTable } from "../../../protocol/probe/result.ts";

type CalibrationFigures = FiguresOf<typeof calibrationContract>;
type Columns = ProbeTable["columns"];

const state: Columns[number] = { id: "state", title: "State", unit: null, description: "State of the model" };
const list: Columns[number] = {
  id: "list",
  title: "Openings",
  unit: null,
  description:
    "What the probability sums over: the run's openings, the default list, or a file of derived ones",
};
const share = (id: string, title: string, description: string): Columns[number] => ({
  ...{ id, title, unit: null, description },
});

/** The data of the figures: each prompt, each group, each list's calibration, and the bins of the reliability plot. */
export function calibrationTables(
  prompts: readonly ProbePrompt[],
  { states, lists }: CalibrationFigures,
): ProbeTable[] {
  return [
    {
      id: "groups",
      title: "Refusal of each group: greedy, sampled, probability",
      columns: [
        state,
        { id: "group", title: "Group", unit: null, description: "toxic, seemingly_toxic or general" },
        { id: "prompts", title: "Prompts", unit: null, description: "How many" },
        share("greedy", "Greedy answers that refuse", "Share of prompts; one answer each"),
        share("sampled", "Sampled answers that refuse", "At temperature 1; mean over prompts"),
        share("sampled_lower", "95 % from", "Percentile interval over prompts"),
        share("sampled_upper", "to", "Percentile interval over prompts"),
        ...lists.map(({ id, title }) =>
          share(`probability_${id}`, `Refusal probability, ${title}`, "Mean over prompts"),
        ),
      ],
      rows: states.flatMap((each) =>
        each.groups.map(({ group, prompts, greedy, sampled, probability }) => [
          ...[each.state, group, prompts, greedy],
          ...ends(sampled),
          ...probability,
        ]),
      ),
    },
    {
      id: "calibration",
      title: "Calibration by list of openings",
      columns: [
        state,
        list,
        ...(["slope", "intercept", "brier", "error"] as const).flatMap((id) => [
          share(id, figures[id].title, figures[id].description),
          share(`${id}_lower`, "95 % from", "Percentile interval over prompts"),
          share(`${id}_upper`, "to", "Percentile interval over prompts"),
        ]),
        ...(["slope", "brier", "error"] as const).map((id) =>
          share(
            `permuted_${id}`,
            `${figures[id].title}, permuted`,
            "Mean where probabilities are permuted over prompts",
          ),
        ),
      ],
      rows: states.flatMap((each) =>
        each.lists.map(({ list, slope, intercept, brier, error, permuted }) => [
          ...[each.state, list],
          ...[slope, intercept, brier, error].flatMap(ends),
          ...[permuted.slope, permuted.brier, permuted.error],
        ]),
      ),
    },
    {
      id: "bins",
      title: "Reliability",
      columns: [
        state,
        list,
        share("prompts", "Prompts", "How many"),
        share("probability", "Refusal probability", "Mean over the bin"),
        share("refused", "Sampled answers that refuse", "Mean share over the bin"),
      ],
      rows: states.flatMap((each) =>
        each.lists.flatMap(({ list, bins }) =>
          bins.map(({ prompts, probability, refused }) => [each.state, list, prompts, probability, refused]),
        ),
      ),
    },
    {
      id: "prompts",
      title: "Refusal of each prompt",
      columns: [
        state,
        { id: "id", title: "Id", unit: null, description: "Hash of the prompt's words" },
        { id: "group", title: "Group", unit: null, description: "toxic, seemingly_toxic or general" },
        share("greedy", "Greedy answer refuses", "true, false, or nothing for an undetermined one"),
        share("refused", "Sampled answers that refuse", "How many"),
        share("samples", "Sampled answers", "Those with a verdict"),
        ...lists.map(({ id, title }) =>
          share(`probability_${id}`, `Refusal probability, ${title}`, "Sum over the openings"),
        ),
      ],
      rows: states.flatMap((each) =>
        each.prompts.map(({ greedy, refused, samples, probability }, i) => [
          ...[each.state, prompts[i]!.id, prompts[i]!.group, greedy, refused, samples],
          ...probability,
        ]),
      ),
    },
  ];
}

const figures = {
  slope: { title: "Slope", description: "Of the binomial regression on the logit; 1 is calibrated" },
  intercept: {
    title: "Intercept",
    description: "Of the same regression; above 0, answers refuse more often than the openings say",
  },
  brier: { title: "Brier score", description: "Without the variance of the samples; about 0 is perfect" },
  error: { title: "Calibration error", description: "Over bins of equal size" },
};

function ends(found: Resampled): (number | null)[] {
  return found === null ? [null, null, null] : [found.value, found.lower, found.upper];
}
