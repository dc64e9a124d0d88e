import * as z from "zod";
import { type BackendRecord, backendWords } from "../backend.ts";
import { chatSchema } from "../chat.ts";

/** The model that a method begins with. */
const startSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("untrained") }),
  z.object({ kind: z.literal("run"), name: z.string() }),
  z.object({ kind: z.literal("adapter"), path: z.string() }),
  /** Several adapters and runs, in the order in which they are applied. */
  z.object({ kind: z.literal("adapters"), paths: z.array(z.string()) }),
  /** Reports of format 1 do not say how a model came about. */
  z.object({ kind: z.literal("unknown") }),
]);

/** A method: a starting point, the stages of training on it, and what is done to activations when it answers. */
export const methodSchema = z.object({
  /** Everything in a report knows a method by its id. */
  id: z.string(),
  name: z.string(),
  from: startSchema,
  stages: z.array(z.object({ type: z.string(), steps: z.int().nullable() })),
  interventions: z.array(z.looseObject({ type: z.string() })),
  /** Id of the method that this one is a control of, whose seeds are then draws of random vectors; nothing is compared with it. */
  controlOf: z.string().optional(),
  /** How prompts were put to the model; absent in older reports. */
  asked: z.object({ template: z.enum(["chat", "alpaca"]), ...chatSchema.shape }).optional(),
});
export type Method = z.infer<typeof methodSchema>;

/** What is wrong with the results of a method, such as an intervention that never acted. */
export const problemSchema = z.object({
  /** Id of the method. */
  method: z.string(),
  seed: z.int(),
  /** What happened and how to fix it. */
  message: z.string(),
  /** The run that failed, where it is one of several. */
  run: z.string().optional(),
  /** The run whose failure kept this one from being begun. */
  because: z.string().optional(),
});
export type MethodProblem = z.infer<typeof problemSchema>;

/** Runs that are named as not begun because of another; the others are counted. */
const mostNamed = 6;

/** What is wrong, a sentence or two for each cause: a run that failed, with the runs that were not begun because of it. */
export function problemLines(problems: readonly MethodProblem[]): string[] {
  const waiting = Map.groupBy(
    problems.filter(({ because }) => because !== undefined),
    ({ because }) => because!,
  );
  return problems.flatMap(({ message, run, because }) => {
    if (because !== undefined) return [];
    const names = (waiting.get(run ?? "") ?? []).map((one) => one.run ?? one.method);
    if (names.length === 0) return [message];
    const rest = names.length - mostNamed;
    const listed = [...names.slice(0, mostNamed), ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
    return [`${message} Not begun because of it: ${listed}.`];
  });
}

/** The method that is the model as it is: no stages, no interventions. */
export function untrainedMethod(asked?: Method["asked"]): Method {
  return {
    id: "untrained",
    name: "untrained",
    from: { kind: "untrained" },
    stages: [],
    interventions: [],
    ...(asked && { asked }),
  };
}

/** Whether a method is the model as it is. */
export function isUntrained({ from, stages, interventions }: Method): boolean {
  return from.kind === "untrained" && stages.length === 0 && interventions.length === 0;
}

/** What a table says of the controls of a report; undefined where there are none. */
export function controlsNote({
  methods,
  answers,
}: WithProblems & { readonly methods: readonly Method[] }): string | undefined {
  const words = methods.flatMap(({ id, name, controlOf }) =>
    controlOf === undefined
      ? []
      : [
          `${name} (${answers.filter(({ method }) => method === id).length} draws, of ${methodName(methods, controlOf)})`,
        ],
  );
  return words.length === 0
    ? undefined
    : `Controls have random vectors in place of those of a method as it was tuned and fitted: ${words.join(", ")}. Their figures are means over draws, with Student's ` +
        "interval; they are compared with no method, and stand only under suites that the draws answered.";
}

/** The name of a method by its id; the id of one that is not there. */
export function methodName(methods: readonly Pick<Method, "id" | "name">[], id: string): string {
  return methods.find((method) => method.id === id)?.name ?? id;
}

/** What decides which methods of a report are errors. */
export interface WithProblems {
  readonly answers: readonly { readonly method: string; readonly seed: number }[];
  readonly problems: readonly MethodProblem[];
}

/**
 * Ids of the methods that are an error of the report and have no results in it, since answers of theirs, with some seed, are not what
 * their names say. A mean over the other seeds would be one over those that happened to act. A run that failed brought no answers:
 * those of the other seeds stay a result.
 */
export function erroneousMethods({ answers, problems }: WithProblems): ReadonlySet<string> {
  const given = new Set(answers.map(({ method, seed }) => JSON.stringify([method, seed])));
  return new Set(
    problems.flatMap(({ method, seed }) => (given.has(JSON.stringify([method, seed])) ? [method] : [])),
  );
}

/** What a table says of the methods of a report that are no rows of it; undefined where there are none. */
export function notInTable(
  report: WithProblems & { readonly methods: readonly Method[] },
): string | undefined {
  const erroneous = erroneousMethods(report);
  const names = report.methods.flatMap(({ id, name }) => (erroneous.has(id) ? [name] : []));
  return names.length === 0
    ? undefined
    : `Not in the table, since their results are errors: ${names.join(", ")}.`;
}

/**
 * The methods of a report as they are shown: one whose results are not what its name says, or of which a run failed, carries that in
 * its name, wherever a column, a series or a picture has it.
 */
export function markedMethods({
  methods,
  problems,
}: {
  readonly methods: readonly Method[];
  readonly problems: readonly MethodProblem[];
}): Method[] {
  return methods.map((method) =>
    problems.some((problem) => problem.method === method.id)
      ? { ...method, name: `${method.name} (error)` }
      : method,
  );
}

/** The n-th of several names that would be one; the first keeps it. */
export function numbered(name: string, n: number): string {
  return n === 1 ? name : `${name} (${n})`;
}

/** Where the methods of a report answered, in words: "cpu, by onnx 1.30.0, float32"; undefined where it is not stated, or they answered in several places. */
export function reportPlace(report: Parameters<typeof reportDevice>[0]): string | undefined {
  const device = reportDevice(report);
  const backend = reportBackend(report);
  return device === undefined || backend === undefined ? device : `${device}, by ${backendWords(backend)}`;
}

/** The backend that computed the answers of a report; undefined where it is not stated, or several did. */
export function reportBackend(report: Parameters<typeof reportDevice>[0]): BackendRecord | undefined {
  return report.run?.backend ?? report.model.backend;
}

/** The device that the methods of a report answered on; undefined where it is not stated, or they answered on several. */
export function reportDevice(report: {
  readonly model: { readonly device?: string | undefined; readonly backend?: BackendRecord | undefined };
  readonly run?:
    | { readonly device?: string | undefined; readonly backend?: BackendRecord | undefined }
    | undefined;
}): string | undefined {
  return report.run?.device ?? report.model.device;
}
