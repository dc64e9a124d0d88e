import * as z from "zod";
import { labelSchema } from "./label.ts";

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

/** Whether a text names an encoding of the WHATWG Encoding Standard that can be decoded here. */
function isEncoding(name: string): boolean {
  try {
    return new TextDecoder(name).encoding !== "";
  } catch {
    return false;
  }
}

/**
 * Layouts of published prompt files; `src/dataset/presets.ts` says what each means. `own` is a file of which nothing is assumed beyond its
 * columns, whatever published file it looks like.
 */
export const formatSchema = z.enum([
  "xstest",
  "oktest",
  "safety",
  "alpaca",
  "advbench",
  "harmbench",
  "coconot",
  "phtest",
  "jailbreakbench",
  "strongreject",
  "stl",
  "starter",
  "own",
]);
export type Format = z.infer<typeof formatSchema>;

/** Names of columns, where the ones found by themselves are not the ones meant. */
export const columnsSchema = z.strictObject({
  prompt: z.string().optional().describe("The prompt"),
  context: z
    .string()
    .optional()
    .describe(
      "Text before the prompt, of which it is a part; `---` on a line of its own stands between them",
    ),
  input: z.string().optional().describe("Text below the prompt, of which it is a part"),
  response: z.string().optional().describe("The answer"),
  label: z.string().optional().describe("The label"),
  kind: z.string().optional().describe("The category"),
  pair: z.string().optional().describe("Name that a matched pair shares"),
  id: z
    .string()
    .optional()
    .describe("What the file calls a prompt; results know it by its words all the same"),
  counterpart: z
    .string()
    .optional()
    .describe("What the column of `id` calls the prompt's counterpart, of which a matched pair is made"),
  split: z.string().optional().describe("The split"),
});
export type Columns = z.infer<typeof columnsSchema>;

const encodingSchema = z
  .string()
  .refine(isEncoding, "is not an encoding's name; examples: utf-8, windows-1252, gb18030, shift_jis")
  .describe(
    "Encoding of a text file that is not UTF-8 and has no byte order mark, such as `windows-1252`; a byte order mark goes first",
  );

/** What the name of a layout file has behind that of its prompt file. */
export const layoutEnding = ".layout.json";

/**
 * How a prompt file is read, as a person chose it: the content of `<file>.layout.json` beside it. A source of a recipe that says otherwise
 * goes first, key by key.
 */
export const layoutSchema = z.strictObject({
  format: formatSchema
    .optional()
    .describe(
      "Layout of the file; found by its columns where it is left out. `own`: nothing is assumed beyond the columns",
    ),
  encoding: encodingSchema.optional(),
  columns: z
    .strictObject(
      Object.fromEntries(
        Object.entries(columnsSchema.shape).map(([role, name]) => [
          role,
          name
            .unwrap()
            .min(1)
            .nullable()
            .optional()
            .describe(name.description ?? ""),
        ]),
      ) as Record<keyof Columns, z.ZodOptional<z.ZodNullable<z.ZodString>>>,
    )
    .optional()
    .describe("Names of columns; null where the file has none, whatever a column is called"),
  labelValues: z
    .record(z.string(), labelSchema)
    .optional()
    .describe('What values of the label column mean that are no label\'s name, such as `{"1": "toxic"}`'),
});
export type Layout = z.infer<typeof layoutSchema>;

/** Columns by what they hold, as a person or a layout names them: null for none. */
export type NamedColumns = { readonly [role in keyof Columns]?: string | null | undefined };

/** What a recipe says about where prompts come from: a file, how to read it, and which of its rows to take. */
export const sourceSchema = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe(
      "Path relative to the recipe, `starter:pairs.csv` for the embedded set, or `suite:ID` for the file of a known suite or data set, " +
        "which is then read as it declares",
    ),
  encoding: encodingSchema.optional(),
  format: formatSchema.optional().describe("Layout of the file; found by its columns where it is left out"),
  columns: columnsSchema.optional().describe("Names of columns, where those found are not those meant"),
  inputJoin: z
    .enum(["blank-line", "line"])
    .optional()
    .describe(
      "How an input stands below its instruction: behind a blank line where there is one (`blank-line`, the default), or " +
        "always behind a line break, also where it is empty (`line`, as the loader of DCR's authors does)",
    ),
  split: oneOrMore.optional().describe("Only rows of this split"),
  label: labelSchema.optional().describe("Label of every row, whatever the file says"),
  answer: z
    .string()
    .trim()
    .min(1)
    .optional()
    .describe("Answer of every row that has none, such as one refusal for a list of toxic prompts"),
  labels: z
    .array(labelSchema)
    .min(1)
    .optional()
    .describe(
      "Only rows with one of these labels; a panel takes those with its own label where this and `label` are left out",
    ),
  where: z
    .record(z.string(), oneOrMore)
    .optional()
    .describe("Only rows whose column has one of these values"),
  kinds: z.array(z.string()).min(1).optional().describe("Only rows of these categories"),
  exceptKinds: z.array(z.string()).min(1).optional().describe("No rows of these categories"),
  exclude: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Ids of prompts that are left out, as results name them"),
  limit: z
    .int()
    .positive()
    .optional()
    .describe("Maximum number of prompts, drawn by the seed, matched pairs together"),
  seed: z.int().nonnegative().default(0).describe("Seed of the draw"),
});
export type Source = z.infer<typeof sourceSchema>;
/** A source as a person writes it, before defaults. */
export type SourceInput = z.input<typeof sourceSchema>;
