import * as z from "zod";
import { asFileName, fileNameSchema } from "./fileName.ts";
import { type Source, sourceSchema } from "./source.ts";
import { suiteSuffix } from "./suiteDeclaration.ts";

/** Name under which a report shows all suites together. */
export const POOLED = "pooled";

const isNotPooled = (name: string) => name.toLowerCase() !== POOLED;
const nameSchema = fileNameSchema.refine(isNotPooled, `"${POOLED}" names all suites together in a report`);

const draw = sourceSchema.pick({ limit: true, seed: true, kinds: true, exceptKinds: true }).shape;

/** An entry as a person writes it: a suite that is known by its id, or prompt files of their own. */
const entrySchema = z
  .strictObject({
    name: nameSchema
      .optional()
      .describe("Name of the suite in the report; the id of a known suite where left out"),
    source: sourceSchema
      .optional()
      .describe(
        "Prompts labelled toxic (unsafe) and seemingly_toxic or general (safe), in a file of your own",
      ),
    suite: z
      .string()
      .min(1)
      .optional()
      .describe(
        `A known suite by its id, or a suite file (*${suiteSuffix}): one in a folder \`suites\` by its id, or a path relative to the recipe`,
      ),
    ...draw,
    limit: draw.limit.describe("Maximum number of prompts or questions of a known suite, drawn by the seed"),
    seed: draw.seed.describe("Seed of that draw"),
    shots: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        "Worked examples before each question of a suite of choices; the suite's own number where left out",
      ),
  })
  .superRefine(({ name, source, suite, ...keys }, context) => {
    const issue = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if ((source === undefined) === (suite === undefined)) {
      issue([], 'name either a "suite" by its id or a "source" with prompts of your own');
    } else if (source !== undefined) {
      if (name === undefined) issue(["name"], "prompts of your own need a name for the report");
      for (const key of ["limit", "kinds", "exceptKinds", "shots"] as const) {
        if (keys[key] !== undefined)
          issue([key], "is a key of a known suite; of your own prompts it belongs into `source`");
      }
    }
  })
  .transform(
    ({ name, source, suite, ...keys }): Suite =>
      source === undefined
        ? { name: name ?? nameOf(suite!), suite: suite!, ...keys }
        : { name: name!, source },
  );

/** A prompt file that a model is evaluated on, and its name in the report. */
export interface OwnSuite {
  readonly name: string;
  readonly source: Source;
}

/** A known suite that a model is evaluated on, which rows of it, and its name in the report. */
export interface KnownSuite {
  readonly name: string;
  /** Its id, or the path of a suite file. */
  readonly suite: string;
  readonly limit?: number | undefined;
  readonly seed: number;
  readonly kinds?: readonly string[] | undefined;
  readonly exceptKinds?: readonly string[] | undefined;
  readonly shots?: number | undefined;
}

/** What a model is evaluated on, and its name in the report. */
export type Suite = OwnSuite | KnownSuite;

/** Whether a suite is prompts of a person's own, which its entry describes itself. */
export function isOwnSuite(suite: Suite): suite is OwnSuite {
  return "source" in suite;
}

/** The name in a report of a suite that is called by its id or its file. */
function nameOf(suite: string): string {
  const name = asFileName(suite.split(/[\\/]/).at(-1)!.replace(suiteSuffix, ""), "suite");
  return isNotPooled(name) ? name : `suite-${name}`;
}

/**
 * Suites of one evaluation. Results are known by suite and prompt, and a run keeps them in a file named by the suite, so
 * names differ also where case does not count.
 */
export const suitesSchema = z
  .array(
    z.union([
      z
        .string()
        .min(1)
        .transform((suite): Suite => ({ name: nameOf(suite), suite, seed: 0 })),
      entrySchema,
    ]),
  )
  .superRefine((suites, context) => {
    const first = new Map<string, number>();
    for (const [i, { name }] of suites.entries()) {
      const key = name.toLowerCase();
      const other = first.get(key);
      if (other === undefined) first.set(key, i);
      else {
        const message = `suite ${other + 1} has this name, too; names must differ by more than their case`;
        context.addIssue({ code: "custom", path: [i, "name"], message });
      }
    }
  });
