import * as z from "zod";

/** How prompts are put to a chat model, beyond its template; `system` and `thinking` are stored with every figure. */
export const chatSchema = z
  .strictObject({
    system: z
      .string()
      .optional()
      .describe(
        "System prompt; the template's own, if it has one, where left out. An empty text is an empty turn",
      ),
    thinking: z
      .boolean()
      .default(false)
      .describe(
        "Have a model think before it answers. Its reasoning is taken off before an answer is judged; refusal " +
          "probabilities, training and features are of answers without reasoning either way",
      ),
  })
  .describe("How prompts are put to the model's chat template");
export type ChatOptions = z.infer<typeof chatSchema>;
