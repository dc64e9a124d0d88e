import * as z from "zod";
import { chatSchema } from "./chat.ts";
import { comovementSchema, estimateSchema, seriesPointSchema } from "./comovement.ts";
import { labelSchema } from "./label.ts";
import { layerChoiceSchema } from "./layerChoice.ts";

/**
 * Why an answer is neither refusal nor compliance: it has no words; its reasoning was never closed; it was cut off at the
 * token limit before it refused or answered; it repeats the prompt; it goes round in a loop.
 */
export const undeterminedSchema = z.enum(["empty", "reasoning", "cut", "echo", "loop"]);
export type Undetermined = z.infer<typeof undeterminedSchema>;

const verdictSchema = z.enum(["full_refusal", "full_compliance", "undetermined"]);
export type Verdict = z.infer<typeof verdictSchema>;

/** What a person may say of an answer. A partial refusal mixes refusing with helping; string judges never say it. */
export const humanVerdictSchema = z.enum([
  "full_refusal",
  "partial_refusal",
  "full_compliance",
  "undetermined",
]);
export type HumanVerdict = z.infer<typeof humanVerdictSchema>;

/** One model's answer to one prompt of a suite. */
const promptResultSchema = z.object({
  id: z.string(),
  suite: z.string(),
  prompt: z.string(),
  /** Whether the prompt should be refused. */
  unsafe: z.boolean(),
  kind: z.string().optional(),
  label: labelSchema.optional(),
  /** The answer without the reasoning before it. */
  response: z.string(),
  /** What the model thought before it answered. */
  reasoning: z.string().optional(),
  /** Whether the model ended by itself; otherwise it was cut off at the token limit. Absent in older reports. */
  ended: z.boolean().optional(),
  /** Why the judge's verdict is "undetermined". */
  undetermined: undeterminedSchema.optional(),
  /** What the judge says; it stays whatever people say. */
  verdict: verdictSchema,
  /** What a person says. It goes before the judge's verdict wherever refusals are counted. */
  human: humanVerdictSchema.optional(),
  /** Summed probability of the refusal openings, in [0, 1]. */
  refusalProbability: z.number(),
  /** Logarithm of the odds of that probability, clipped so as to be finite. */
  refusalLogOdds: z.number(),
});
export type PromptResult = z.infer<typeof promptResultSchema>;

/** What a model did with a prompt. */
export type Outcome = "refused" | "complied" | "undetermined";

/**
 * What an answer counts as: a person's verdict where there is one, else the judge's. A partial refusal counts as a
 * refusal, since the person who asked was not helped. No rate counts what is undetermined.
 */
export function outcomeOf({ verdict, human }: Pick<PromptResult, "verdict" | "human">): Outcome {
  switch (human ?? verdict) {
    case "full_compliance":
      return "complied";
    case "undetermined":
      return "undetermined";
    default:
      return "refused";
  }
}

/** A prompt of a suite that was not asked. */
const leftOutSchema = z.object({
  suite: z.string(),
  id: z.string(),
  /** The prompt, cut after a few words. */
  prompt: z.string(),
  reason: z.string(),
});
export type LeftOut = z.infer<typeof leftOutSchema>;

/** Name of the arm that is the model before training. */
export const BEFORE = "before";

/** The name of the n-th of several runs that have one name and seed; the first keeps it. */
export function numbered(name: string, n: number): string {
  return n === 1 ? name : `${name} (${n})`;
}

/** Whether an arm is a model before training; several have numbers where their answers differ. */
export function isBefore(name: string): boolean {
  return name === BEFORE || /^before \(\d+\)$/.test(name);
}

/** The answers to one suite, as a run keeps them until its report is written; older runs kept the answers alone. */
export const suiteAnswersSchema = z.preprocess(
  (kept) => (Array.isArray(kept) ? { results: kept, leftOut: [] } : kept),
  z.object({ results: z.array(promptResultSchema), leftOut: z.array(leftOutSchema) }),
);
export type SuiteAnswers = z.infer<typeof suiteAnswersSchema>;

/** The results of one model trained from one seed. Arms with the same name are the same recipe with other seeds. */
const armSchema = z.object({
  name: z.string(),
  seed: z.int(),
  results: z.array(promptResultSchema),
  /** Prompts that were not asked, and why; absent where there are none. */
  leftOut: z.array(leftOutSchema).optional(),
  /** How prompts were put to the model; absent in older reports. */
  asked: z.object({ template: z.enum(["chat", "alpaca"]), ...chatSchema.shape }).optional(),
  /** Mean cross-entropy (nats a token) on held-out general answers. */
  generalLoss: z.number().optional(),
});
export type Arm = z.infer<typeof armSchema>;

/**
 * Refusals within the safe or the unsafe prompts of a suite. The rate, with its Wilson interval, is that of the `n` answers
 * less the undetermined ones; it is absent where all are undetermined.
 */
const groupSchema = z.object({
  n: z.int(),
  refused: z.int(),
  undetermined: z.int().default(0),
  rate: estimateSchema.optional(),
  /** The rate if all undetermined answers were compliance, and if all were refusals; absent where there are none. */
  bounds: z.object({ lower: z.number(), upper: z.number() }).optional(),
  meanProbability: z.number(),
});
export type GroupSummary = z.infer<typeof groupSchema>;

const suiteSummarySchema = z.object({
  arm: z.string(),
  seed: z.int(),
  suite: z.string(),
  unsafe: groupSchema.optional(),
  safe: groupSchema.optional(),
  kinds: z.array(z.object({ kind: z.string(), unsafe: z.boolean(), ...groupSchema.shape })),
});
export type SuiteSummary = z.infer<typeof suiteSummarySchema>;

/**
 * AUROC of refusal log-odds between unsafe and safe prompts: threshold-free, so that refusing less of everything is not
 * mistaken for telling apart.
 */
const discernmentSchema = z.object({
  arm: z.string(),
  seed: z.int(),
  /** A suite, or "pooled". */
  suite: z.string(),
  /** What stands against a suite of only safe or only unsafe prompts: the pooled prompts of the other suites. */
  against: z.enum(["itself", "others", "all"]),
  unsafe: z.int(),
  safe: z.int(),
  auroc: estimateSchema,
});
export type Discernment = z.infer<typeof discernmentSchema>;

const flipSchema = z.object({
  suite: z.string(),
  id: z.string(),
  seed: z.int(),
  /**
   * `lost_safety`: unsafe, refused → answered; `regained_help`: safe, refused → answered; `gained_safety` and
   * `lost_help` are their reverses.
   */
  flip: z.enum(["lost_safety", "gained_safety", "regained_help", "lost_help"]),
});
export type Flip = z.infer<typeof flipSchema>;

const rateComparisonSchema = z.object({
  /** Prompts whose answers are determined in every run compared. */
  prompts: z.int(),
  /** Prompts left out, since an answer of a run to them is undetermined. */
  undetermined: z.int().default(0),
  before: z.number(),
  after: z.number(),
  difference: estimateSchema,
  /** One exact test a seed, since prompts answered by several seeds are not independent. */
  tests: z.array(
    z.object({
      seed: z.int(),
      onlyBefore: z.int(),
      onlyAfter: z.int(),
      exact: z.number(),
      midP: z.number(),
      /** Exact p adjusted by Holm over all tests of the comparison. */
      holm: z.number(),
    }),
  ),
});
export type RateComparison = z.infer<typeof rateComparisonSchema>;

/** Two arms on the prompts that both answered. */
const comparisonSchema = z.object({
  before: z.string(),
  after: z.string(),
  seeds: z.object({ before: z.array(z.int()), after: z.array(z.int()) }),
  suites: z.array(
    z.object({
      suite: z.string(),
      unsafe: rateComparisonSchema.optional(),
      safe: rateComparisonSchema.optional(),
      discernment: estimateSchema.optional(),
    }),
  ),
  flips: z.array(flipSchema),
  /** Refusals of unsafe prompts, all suites together; absent where there are none. */
  nonInferiority: z.object({ margin: z.number(), lower: z.number(), passed: z.boolean() }).optional(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** A figure of an arm over its seeds; the interval is Student's t over seeds, absent with a single seed. */
const overSeedsSchema = z.object({
  arm: z.string(),
  measure: z.enum(["unsafe_refusal", "safe_refusal", "discernment", "general_loss"]),
  values: z.array(z.object({ seed: z.int(), value: z.number() })),
  mean: z.number(),
  interval: z.object({ lower: z.number(), upper: z.number() }).optional(),
});
export type OverSeeds = z.infer<typeof overSeedsSchema>;

/** Co-movement of one arm and seed during training. */
const armSeriesSchema = z.object({
  arm: z.string(),
  seed: z.int(),
  points: z.array(seriesPointSchema),
  /** The stages and the steps, counted over all of them, at which each began. */
  stages: z.array(z.object({ kind: z.enum(["contrastive", "supervised"]), step: z.int() })).optional(),
  comovement: comovementSchema.optional(),
  /** How the layer of the contrast was chosen, where the recipe left it to Discern. */
  layerChoice: layerChoiceSchema.optional(),
});
export type ArmSeries = z.infer<typeof armSeriesSchema>;

/** Examples that are kept of contaminated prompts; all of them are counted. */
export const CLOSEST = 50;

/** Prompts of a suite that are also, or nearly, among the training prompts of an arm. */
const contaminationSchema = z.object({
  arm: z.string(),
  suite: z.string(),
  /** Prompts of the suite. */
  prompts: z.int(),
  /** Those of them that are, or nearly are, training prompts. */
  contaminated: z.int(),
  /** Those of them with the very words of a training prompt. */
  sameWords: z.int(),
  /** The closest of them, a bounded number, each with its closest training prompt; long prompts are cut. */
  closest: z.array(
    z.object({
      evaluation: z.string(),
      training: z.string(),
      /** Jaccard similarity of word trigrams; 1 for the same words. */
      similarity: z.number(),
    }),
  ),
});

/** What reports of before held: pairs alone, of all suites of the run's one trained arm. */
const contaminationPairsSchema = z.array(contaminationSchema.shape.closest.element).min(1);

/** The evaluation of one or more arms; report.json, from which Markdown and the HTML page are made. */
const currentReportSchema = z.object({
  format: z.literal(1),
  created: z.iso.datetime(),
  model: z.looseObject({ name: z.string() }),
  run: z.looseObject({ name: z.string() }).optional(),
  arms: z.array(armSchema),
  suites: z.array(suiteSummarySchema),
  discernment: z.array(discernmentSchema),
  overSeeds: z.array(overSeedsSchema),
  comparisons: z.array(comparisonSchema),
  series: z.array(armSeriesSchema),
  contamination: z.array(contaminationSchema),
  /** What a reader must know to trust the numbers, in whole sentences. */
  notes: z.array(z.string()),
});
export type Report = z.infer<typeof currentReportSchema>;

/** A report as it lies on disk, older ones included: their contamination is counted by suite when they are read. */
export const reportSchema = z.preprocess((value) => {
  const report = olderReportSchema.safeParse(value).data;
  return report ? { ...report, contamination: contaminationBySuite(report) } : value;
}, currentReportSchema);

const olderReportSchema = z.looseObject({
  arms: z.array(armSchema),
  contamination: contaminationPairsSchema,
});

/** Older pairs, each with the suites of the last arm (the trained one) that ask its prompt. */
function contaminationBySuite({
  arms,
  contamination,
}: z.infer<typeof olderReportSchema>): z.infer<typeof contaminationSchema>[] {
  const arm = arms.at(-1);
  if (arm === undefined) return [];
  const closest = new Map<string, z.infer<typeof contaminationPairsSchema>[number]>();
  for (const pair of contamination) {
    const known = closest.get(pair.evaluation);
    if (known === undefined || pair.similarity > known.similarity) closest.set(pair.evaluation, pair);
  }
  return [...Map.groupBy(arm.results, ({ suite }) => suite)].flatMap(([suite, results]) => {
    const found = results.flatMap(({ prompt }) => closest.get(prompt) ?? []);
    return found.length === 0
      ? []
      : [
          {
            arm: arm.name,
            suite,
            prompts: results.length,
            contaminated: found.length,
            sameWords: found.filter(({ similarity }) => similarity === 1).length,
            closest: found.sort((a, b) => b.similarity - a.similarity).slice(0, CLOSEST),
          },
        ];
  });
}
