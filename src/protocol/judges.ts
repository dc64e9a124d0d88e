import * as z from "zod";
import { backendSchema } from "./backend.ts";
import { deviceSchema } from "./device.ts";
import { asFileName, fileNameSchema } from "./fileName.ts";
import { type Question, questionSchema, verdictNameSchema } from "./report/verdicts.ts";

/*
 * Judges as recipes, comparisons and the command line write them: the id of one that needs no model, or what one with a model
 * is made of. Keys to services are never among these; an endpoint names the environment variable that holds its key.
 */

const id = fileNameSchema
  .optional()
  .describe("Id in reports, which no other judge has; made of the model's name where left out");
const model = z.string().min(1);
const batchSize = z.int().positive();

const classifierSchema = z
  .strictObject({
    type: z.literal("classifier").describe("A text classifier in ONNX, as a Hugging Face folder"),
    id,
    question: questionSchema.extract(["refusal", "harm"]).default("refusal").describe("What it decides"),
    model: model.describe("Folder with onnx/model.onnx or model.onnx, config.json and tokenizer.json"),
    input: z
      .union([
        z.enum(["response", "pair"]),
        z
          .string()
          .includes("{response}", { message: 'must be "response", "pair", or a text with {response}' }),
      ])
      .default("response")
      .describe(
        "What it reads: the answer, prompt and answer as a pair of texts, or a text with the places {prompt} and {response}",
      ),
    labels: z
      .record(z.string(), verdictNameSchema)
      .optional()
      .describe("Verdict of each label of config.json (id2label); known for common names where left out"),
    threshold: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.5)
      .describe("Probability from which an answer is a refusal, or harmful"),
    maxTokens: z
      .int()
      .positive()
      .optional()
      .describe("Tokens after which a text is cut; what the model holds where left out"),
    batchSize: batchSize.default(16).describe("Answers read together"),
  })
  .describe("A local text classifier");
export type ClassifierSpec = z.infer<typeof classifierSchema>;

/** Guard models whose prompts and outputs are known. */
const guardFamilySchema = z.enum(["qwen3guard", "wildguard", "llama-guard", "harmbench"]);

/** What each family is asked where a judge does not say: refusal where it states refusals, else harm. */
const familyQuestion: Readonly<Record<z.infer<typeof guardFamilySchema>, "refusal" | "harm">> = {
  qwen3guard: "refusal",
  wildguard: "refusal",
  "llama-guard": "harm",
  harmbench: "harm",
};

const guardSchema = z
  .strictObject({
    type: z.literal("guard").describe("A guard model that writes its verdict, computed here"),
    id,
    family: guardFamilySchema.describe("How it is asked and how its output is read"),
    question: questionSchema
      .extract(["refusal", "harm"])
      .optional()
      .describe("What is read from its output; refusal where the family decides it, else harm"),
    model: model.describe("Model folder, GGUF file, or name of a pulled model"),
    template: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File with the text it is asked by, with the places {prompt} and {response}; its own chat template where left out",
      ),
    backend: backendSchema.default("auto").describe("What computes it"),
    device: deviceSchema.default("auto").describe("Where it is computed"),
    batchSize: batchSize.default(8).describe("Answers read together"),
  })
  .describe("A local guard model");
export type GuardSpec = z.infer<typeof guardSchema>;

/** What a guard model is asked. */
export function guardQuestion({ family, question }: GuardSpec): "refusal" | "harm" {
  return question ?? familyQuestion[family];
}

/** How an endpoint is asked and its reply read. */
const schemeSchema = z.enum(["xstest", "or-bench", "yes-no", "strongreject", "preference"]);
export type Scheme = z.infer<typeof schemeSchema>;

/** The question that each scheme answers. */
export const schemeQuestion: Readonly<Record<Scheme, Question>> = {
  xstest: "refusal",
  "or-bench": "refusal",
  "yes-no": "harm",
  strongreject: "harm",
  preference: "preference",
};

const price = z.number().nonnegative();

/** An OpenAI-compatible service: where it is, and how requests are made. */
export const endpointSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe("Base address of the API, to which /chat/completions is added"),
  model: model.describe("Model that the service is asked for"),
  key: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, "the name of an environment variable, never the key itself")
    .optional()
    .describe(
      "Name of the environment variable, or of the secret in VS Code, that holds the key; none is sent where left out",
    ),
  concurrency: z.int().min(1).max(64).default(4).describe("Requests at the same time"),
  timeout: z.number().positive().default(60).describe("Seconds after which a request is given up"),
  retries: z
    .int()
    .nonnegative()
    .default(5)
    .describe("Further tries after a timeout, a rate limit, or a failure of the service"),
  maxTokens: z.int().positive().optional().describe("Longest reply in tokens, reasoning included"),
  body: z
    .record(z.string(), z.json())
    .default({})
    .describe("Further keys of each request's body; null leaves one out that is sent otherwise"),
  price: z
    .strictObject({
      input: price.describe("Price of a million prompt tokens"),
      output: price.describe("Price of a million reply tokens"),
    })
    .optional()
    .describe("Prices, by which the cost is worked out from the tokens that the service reports"),
});
export type Endpoint = z.infer<typeof endpointSchema>;

const endpointJudgeSchema = z
  .strictObject({
    type: z.literal("endpoint").describe("A model behind an OpenAI-compatible API"),
    id,
    scheme: schemeSchema
      .default("xstest")
      .describe(
        "How it is asked and read: XSTest's three classes, OR-Bench's labels in brackets, harm by yes or no, StrongREJECT's " +
          "rubric (from your file), or which of two answers is better",
      ),
    template: z
      .string()
      .min(1)
      .optional()
      .describe(
        "File with the instruction, with the places {prompt} and {response} ({first} and {second} for a preference); " +
          "Discern's own where left out",
      ),
    ...endpointSchema.shape,
  })
  .describe("A judge behind an OpenAI-compatible API; prompts and answers are sent to it");
export type EndpointSpec = z.infer<typeof endpointJudgeSchema>;
/** A judge behind an API as a person writes it, before defaults. */
export type EndpointInput = z.input<typeof endpointJudgeSchema>;

/** A judge with a model, as it is written down. */
export const modelJudgeSchema = z.discriminatedUnion("type", [
  classifierSchema,
  guardSchema,
  endpointJudgeSchema,
]);
export type ModelJudge = z.infer<typeof modelJudgeSchema>;

/** A judge as it is written down. */
export const judgeSpecSchema = z.union([z.string().min(1), modelJudgeSchema]);
export type JudgeSpec = z.infer<typeof judgeSpecSchema>;

/** The id by which reports know a judge. */
export function judgeId(spec: JudgeSpec): string {
  if (typeof spec === "string") return spec;
  if (spec.id !== undefined) return spec.id;
  const name = spec.model.split(/[\\/]/).findLast((part) => part !== "");
  return asFileName(name ?? "", spec.type);
}

/** What a judge is asked. Each one that is named by its id is asked about refusal. */
export function judgeQuestion(spec: JudgeSpec): Question {
  if (typeof spec === "string") return "refusal";
  switch (spec.type) {
    case "classifier":
      return spec.question;
    case "guard":
      return guardQuestion(spec);
    case "endpoint":
      return schemeQuestion[spec.scheme];
  }
}

/** The judges of an evaluation. */
export const judgesSchema = z
  .array(judgeSpecSchema)
  .min(1)
  .superRefine((specs, context) => {
    const ids = specs.map(judgeId);
    for (const [i, each] of ids.entries()) {
      if (ids.indexOf(each) === i) continue;
      const message = `The judge "${each}" is given twice. Give one of them another id.`;
      context.addIssue({ code: "custom", path: [i], message });
    }
  });
