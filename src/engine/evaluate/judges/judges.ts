import { DiscernError } from "../../../protocol/errors.ts";
import { type JudgeSpec, judgesSchema, type ModelJudge, modelJudgeSchema } from "../../../protocol/judges.ts";
import { arditi } from "./arditi.ts";
import { openableClassifier } from "./classifier.ts";
import { openableEndpoint } from "./endpoint/endpointJudge.ts";
import { openableGuard } from "./guard/guardJudge.ts";
import type { Judge, JudgeContext } from "./judge.ts";
import { orBench, orBenchOpenings } from "./orBench.ts";
import type { StringJudge } from "./stringJudge.ts";
import { xstest } from "./xstest.ts";
import { zou } from "./zou.ts";

/** Every judge that reads words alone. A new one is a file beside this one and an entry here. */
export const stringJudges: readonly StringJudge[] = [xstest, arditi, zou, orBench, ...orBenchOpenings];

/** Judges with a model that have a name of their own: what they are short for. */
export const namedJudges: Readonly<Record<string, ModelJudge>> = {
  "protectai-rejection": modelJudgeSchema.parse({
    type: "classifier",
    model: "protectai/distilroberta-base-rejection-v1",
    labels: { NORMAL: "full_compliance", REJECTION: "full_refusal" },
  }),
};

/** What can be named as a judge, in words. */
export const judgeWords = `${[...stringJudges.map(({ id }) => id), ...Object.keys(namedJudges)].join(", ")}, or a JSON object or file like those of evaluate.judges`;

/**
 * The judges of an evaluation, in their order. Whatever can be known to be wrong before anything is computed is found here:
 * missing files, labels without a verdict, a key that is not set.
 *
 * @throws DiscernError `request-invalid` for an id that no judge has, or that is given twice; what the judge is missing.
 */
export async function judgesOf(
  specs: readonly JudgeSpec[],
  context: JudgeContext,
  table: readonly StringJudge[] = stringJudges,
): Promise<Judge[]> {
  const checked = judgesSchema.safeParse(specs);
  if (!checked.success) throw new DiscernError("request-invalid", checked.error.issues[0]!.message);
  const judges: Judge[] = [];
  for (const spec of checked.data) judges.push(await judgeOf(spec, context, table));
  return judges;
}

async function judgeOf(
  spec: JudgeSpec,
  context: JudgeContext,
  table: readonly StringJudge[],
): Promise<Judge> {
  if (typeof spec === "string") {
    const judge = table.find(({ id }) => id === spec);
    if (judge) return judge;
    const named = Object.hasOwn(namedJudges, spec) ? namedJudges[spec]! : undefined;
    if (named) return judgeOf({ ...named, id: spec }, context, table);
    const known = [...table.map(({ id }) => id), ...Object.keys(namedJudges)].join(", ");
    throw new DiscernError("request-invalid", `There is no judge "${spec}". Choose among: ${known}.`);
  }
  switch (spec.type) {
    case "classifier":
      return openableClassifier(spec, context);
    case "guard":
      return openableGuard(spec, context);
    case "endpoint":
      return openableEndpoint(spec, context);
  }
}
