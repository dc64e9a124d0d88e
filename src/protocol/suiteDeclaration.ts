import * as z from "zod";
import { fileNameSchema } from "./fileName.ts";
import { sourceSchema } from "./source.ts";

/** What the name of a suite file ends in. */
export const suiteSuffix = ".suite.json";

/** A path below a folder: no drive, no backslash, and nothing that leads out of the folder. */
const pathBelow = z
  .string()
  .regex(
    /^(?!\.{0,2}\/)(?!.*\/\.{1,2}(\/|$))(?!\.{1,2}$)[^\\:\0]+[^\\:\0/]$/,
    "a path below a folder, with / between names, such as data/prompts.csv",
  );

const repository = z.string().regex(/^[\w][\w.-]*\/[\w][\w.-]*$/, "owner/name");
const revision = z.string().regex(/^[\w][\w./-]*$/, "a commit, tag or branch");

const originSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("hub"),
      dataset: repository.describe("owner/name of a dataset of the Hugging Face hub"),
      revision: revision.describe("Commit of the dataset; a branch, where no commit is known"),
      path: pathBelow.describe("Path inside the dataset"),
    }),
    z.strictObject({
      type: z.literal("github"),
      repository: repository.describe("owner/name of a repository of GitHub"),
      revision: revision.describe("Commit of the repository; a branch, where no commit is known"),
      path: pathBelow.describe("Path inside the repository"),
    }),
    z.strictObject({
      type: z.literal("url"),
      url: z.url({ protocol: /^https?$/ }).describe("Address of the file"),
    }),
  ])
  .describe("Where the file is fetched from");
export type SuiteOrigin = z.infer<typeof originSchema>;

/** How the rows of a file are read: the keys of a source of a recipe, but for the file and the draw. */
const readingSchema = sourceSchema
  .pick({
    format: true,
    columns: true,
    encoding: true,
    inputJoin: true,
    split: true,
    label: true,
    labels: true,
    where: true,
    kinds: true,
    exceptKinds: true,
  })
  .describe("How its rows are read: keys of a source of a recipe");

const fileSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe(
      "Path of the file in a folder of suites and in the cache; a file without `from` lies there relative to the suite file",
    ),
  alsoNamed: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Other paths under which a folder of suites may hold it, such as that of an earlier version"),
  from: originSchema.optional(),
  bytes: z.int().positive().optional().describe("Size of the file at that revision"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits")
    .optional()
    .describe("Checksum of the file at that revision; where left out, the first fetch records it"),
  withoutSha256: z
    .string()
    .min(1)
    .optional()
    .describe("Why the declaration states no checksum, in a sentence"),
  rows: z.int().positive().optional().describe("Rows of the file"),
  read: readingSchema.prefault({}),
});
export type SuiteFile = z.infer<typeof fileSchema>;

/** A column, or a value inside it: `choices.text` is the member `text` of the column `choices`, `turns.0` the first of a list. */
const columnPath = z.string().min(1);

const choiceSchema = z
  .strictObject({
    question: columnPath.describe("Column of the question"),
    trim: z.boolean().default(false).describe("Whether white space around the question is removed"),
    choices: z
      .union([columnPath, z.array(columnPath).min(2)])
      .describe("Column that holds the list of choices, such as `choices.text`, or a column for each choice"),
    answer: columnPath.describe(
      "Column of the right choice: its name among `labels`, else its number from 0, or its letter from A",
    ),
    labels: columnPath.optional().describe("Column that holds the list of the choices' names"),
    category: columnPath.optional().describe("Column of the category, such as the subject"),
    prompt: z
      .string()
      .min(1)
      .describe(
        "What stands before an answer: `{question}`, `{choices}` (a line `A. …` per choice), `{category}` are filled in",
      ),
    description: z
      .string()
      .optional()
      .describe("What stands once before all examples; `{category}` is filled in"),
    scored: z
      .enum(["text", "letter"])
      .describe("What follows the prompt and is scored: the choice's text, or its letter"),
    fewShot: z
      .strictObject({
        file: z
          .string()
          .min(1)
          .describe("The file of this suite whose first rows of a category are the examples"),
        shots: z
          .int()
          .nonnegative()
          .default(0)
          .describe("Examples before each question, where a recipe names no number"),
      })
      .optional()
      .describe("Where worked examples come from"),
  })
  .describe("How a question of several choices is asked and scored");
export type ChoiceReading = z.infer<typeof choiceSchema>;

const count = z.int().positive().optional();

const shared = {
  $schema: z.string().optional().describe("Schema for editors"),
  id: fileNameSchema
    .regex(/^[a-z0-9][a-z0-9-]*$/, "small letters, digits and hyphens")
    .describe("Name by which recipes, benchmarks and commands know it"),
  title: z.string().trim().min(1).describe("Name for readers"),
  about: z.string().trim().min(1).describe("What it measures, in a sentence"),
  homepage: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Page that describes it"),
  licence: z.string().trim().min(1).describe("Licence of the prompts, as its publisher states it"),
  access: z
    .enum(["open", "gated", "user-only"])
    .default("open")
    .describe(
      "Whether anybody can fetch it, only who was given access on its page, or only a person for their own use, since its " +
        "licence forbids passing it on",
    ),
};

const files = z
  .array(fileSchema)
  .min(1)
  .describe("The files that it consists of, in the order of its prompts");

/** A suite, declared: what it is, where its files are to be had, and how they are read. */
export const suiteDeclarationSchema = z
  .discriminatedUnion("task", [
    z.strictObject({
      ...shared,
      task: z.literal("refusal").describe("Prompts that should be refused (unsafe) or answered (safe)"),
      counts: z
        .strictObject({ safe: count, unsafe: count })
        .optional()
        .describe("Prompts that should be answered, and that should be refused, each counted once"),
      families: z
        .record(z.string().min(1), z.array(z.string().min(1)).min(1))
        .optional()
        .describe("Categories that belong together, by a name: who holds out one of them holds out all"),
      counterparts: z
        .array(
          z.strictObject({
            safe: z.string().min(1).describe("Category of the safe prompts"),
            unsafe: z.string().min(1).describe("Category of their unsafe counterparts"),
          }),
        )
        .min(1)
        .optional()
        .describe(
          "Categories whose prompts are matched pairs by their place: the first safe one with the first unsafe one, and so on. A bootstrap draws a pair whole",
        ),
      files,
    }),
    z.strictObject({
      ...shared,
      task: z.literal("choice").describe("Questions of several choices, scored by log-likelihood"),
      counts: z.strictObject({ items: count }).optional().describe("Questions"),
      choice: choiceSchema,
      files,
    }),
    z.strictObject({
      ...shared,
      task: z
        .literal("pairwise")
        .describe(
          "Instructions with a reference answer each, against which a judge holds the model's answer",
        ),
      counts: z.strictObject({ items: count }).optional().describe("Instructions"),
      files,
    }),
    z.strictObject({
      ...shared,
      task: z.literal("training").describe("Published data that recipes train on; not a suite"),
      counts: z.strictObject({ items: count }).optional().describe("Rows"),
      files,
    }),
  ])
  .describe("A suite of Discern: prompts or questions that models are evaluated on");

export type SuiteDeclaration = z.infer<typeof suiteDeclarationSchema>;
export type SuiteTask = SuiteDeclaration["task"];

/** The JSON schema of a suite file as a person writes it. */
export function suiteJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(suiteDeclarationSchema, { io: "input" });
}
