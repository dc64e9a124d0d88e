import * as z from "zod";
import { backendRecordSchema } from "../backend.ts";
import { missingSuiteSchema } from "../missingSuite.ts";
import { measuredOpeningsSchema } from "../openings.ts";
import { methodAnswersSchema } from "./answers.ts";
import { benchmarkRecordSchema, costPartSchema } from "./benchmark.ts";
import { comparisonSchema } from "./comparison.ts";
import { fromFormat1, isFormat1 } from "./format1.ts";
import { reportAboutSchema } from "./head.ts";
import { laboratoryMentionSchema } from "./laboratory.ts";
import { measuresSchema } from "./measures.ts";
import { erroneousMethods, methodSchema, problemSchema } from "./methods.ts";
import { repeatedPromptSchema } from "./repeatedPrompts.ts";
import { resamplingSchema } from "./resampling.ts";
import { contaminationSchema, seriesSchema } from "./training.ts";
import { judgeInfoSchema } from "./verdicts.ts";

/** The evaluation of one or more methods; report.json, from which Markdown and the HTML page are made. */
const currentReportSchema = z.object({
  format: z.literal(2),
  created: z.iso.datetime(),
  /** With the device, unless the report is that of a run or of methods on several devices. */
  model: z.looseObject({
    name: z.string(),
    device: z.string().optional(),
    backend: backendRecordSchema.optional(),
  }),
  run: z
    .looseObject({
      name: z.string(),
      device: z.string().optional(),
      backend: backendRecordSchema.optional(),
      /** What the run cost until its report was written; absent in older reports. */
      costs: z.array(costPartSchema).optional(),
    })
    .optional(),
  /** In the order in which they are shown. */
  methods: z.array(methodSchema),
  /** Refusals are read from the first judge of refusal. */
  judges: z.array(judgeInfoSchema),
  answers: z.array(methodAnswersSchema),
  measures: measuresSchema,
  /** Id of the method that all others are compared with; absent where every method is compared with every other. */
  reference: z.string().optional(),
  comparisons: z.array(comparisonSchema),
  series: z.array(seriesSchema),
  contamination: z.array(contaminationSchema),
  /** How bootstrap intervals were drawn; absent in reports of older versions. */
  resampling: resamplingSchema.optional(),
  /** Prompts that several suites have, which count once in figures over all suites; absent where there are none, and in older reports. */
  repeated: z.array(repeatedPromptSchema).optional(),
  /** The openings that the answers name; several where methods were measured by different ones. Absent in older reports. */
  openings: z.array(measuredOpeningsSchema).optional(),
  /** Methods whose results are not what their names say, and why, in whole sentences; absent in older reports. */
  problems: z.array(problemSchema).default([]),
  /** What a reader must know to trust the numbers, in whole sentences. */
  notes: z.array(z.string()),
  /** Suites that could not be had, and why; absent where all could, and in reports of older versions. */
  missing: z.array(missingSuiteSchema).optional(),
  /** Results of probes that lay with the run, or with the runs of a comparison; absent where there were none. */
  laboratory: z.array(laboratoryMentionSchema).optional(),
  /** What people say about the run; read from its folder with the report, and absent where nobody has said anything. */
  about: reportAboutSchema.optional(),
  /** Of a benchmark: what its table is held to, and how it came about. */
  benchmark: benchmarkRecordSchema.optional(),
});
export type Report = z.infer<typeof currentReportSchema>;

/**
 * A report as it lies on disk. One of format 1 becomes one of format 2 when it is read, and in one of an older version methods that are
 * errors lose the rows that they had.
 */
export const reportSchema = z
  .preprocess(
    (value, context) => (isFormat1(value) ? fromFormat1(value, context) : value),
    currentReportSchema,
  )
  .transform(withoutErroneous);

/** A report in which no method that is an error has a row or a comparison. */
function withoutErroneous(report: Report): Report {
  const erroneous = erroneousMethods(report);
  if (erroneous.size === 0) return report;
  const { measures, comparisons } = report;
  return {
    ...report,
    measures: { ...measures, rows: measures.rows.filter(({ method }) => !erroneous.has(method)) },
    comparisons: comparisons.filter(({ first, second }) => !erroneous.has(first) && !erroneous.has(second)),
  };
}
