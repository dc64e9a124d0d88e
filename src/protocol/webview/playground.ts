import * as z from "zod";

/** What is asked on a side of the playground: a model with adapters, or a state of a run. */
export const playgroundSubjectSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("model"),
    label: z.string(),
    base: z.string().min(1),
    adapters: z.array(z.string()),
  }),
  z.strictObject({
    kind: z.literal("run"),
    label: z.string(),
    folder: z.string().min(1),
    /** The last state where left out. */
    state: z.string().min(1).optional(),
  }),
]);
export type PlaygroundSubject = z.infer<typeof playgroundSubjectSchema>;

/** Left and right: the base model and the tuned one, or any two. */
export const sides = [0, 1] as const;
export type Side = (typeof sides)[number];
const side = z.union([z.literal(0), z.literal(1)]);

/** What the page keeps between two showings. Prompts are kept nowhere else. */
export const playgroundStateSchema = z.object({
  text: z.string(),
  maxNewTokens: z.int().positive(),
  subjects: z.array(playgroundSubjectSchema.nullable()).length(2),
});
export type PlaygroundState = z.infer<typeof playgroundStateSchema>;

/** What a word does to a prompt: the refusal probability without it. */
export interface WordEffect {
  /** Place in the prompt, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /** Null where the prompt without it could not be scored. */
  readonly without: number | null;
}

/** What the host found of a prompt on a side; `ask` names the question that the page asked. */
export type PlaygroundToPage =
  | {
      readonly type: "subjects";
      readonly subjects: readonly (PlaygroundSubject | null)[];
      /** A prompt to begin with, where the panel was opened for one. */
      readonly text?: string;
    }
  | { readonly type: "status"; readonly ask: number; readonly side: Side; readonly status: string }
  | {
      readonly type: "score";
      readonly ask: number;
      readonly side: Side;
      readonly probability: number | null;
      readonly openings: readonly { readonly opening: string; readonly probability: number }[];
    }
  | {
      readonly type: "words";
      readonly ask: number;
      readonly side: Side;
      readonly words: readonly WordEffect[];
    }
  | {
      readonly type: "answer";
      readonly ask: number;
      readonly side: Side;
      readonly answer: { readonly response: string; readonly reasoning?: string; readonly ended: boolean };
    }
  /** An answer as far as it is written. */
  | {
      readonly type: "written";
      readonly ask: number;
      readonly side: Side;
      readonly answer: { readonly response: string; readonly reasoning?: string };
    }
  /** Whether the models are kept in memory for the next question. */
  | { readonly type: "memory"; readonly held: boolean }
  | { readonly type: "failed"; readonly ask: number; readonly side: Side; readonly reason: string };

/** What the page asks of the host. A new question ends the one before. */
export const playgroundFromPage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("try"),
    ask: z.int().nonnegative(),
    text: z.string(),
    /** Also answers of so many tokens at most. */
    maxNewTokens: z.int().positive().max(2048).nullable(),
  }),
  z.strictObject({ type: z.literal("cancel") }),
  z.strictObject({ type: z.literal("choose"), side }),
  /** Gives back the memory of the models. */
  z.strictObject({ type: z.literal("release") }),
  /** Adds the prompt to a prompt file of the workspace. */
  z.strictObject({ type: z.literal("add"), text: z.string() }),
]);
export type PlaygroundFromPage = z.infer<typeof playgroundFromPage>;
