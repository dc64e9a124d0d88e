import { describe, expect, it, test } from "vitest";
import { ChatTemplate } from "../../src/engine/chat/chat.ts";
import { PythonTemplate } from "../../src/engine/chat/pythonJinja.ts";
import { readGolden } from "./golden.ts";

type Messages = { role: "system" | "user"; content: string }[];

const golden = readGolden<{
  messages: Messages;
  rendered: [source: string, rendered: string][];
  chats: {
    name: string;
    source: string;
    rendered: [Messages, Record<string, unknown>, string | null][];
  }[];
}>("templates.json");
const specialTokens = { bos_token: "<s>", eos_token: "</s>" };

describe("templates against transformers", () => {
  test.each(golden.rendered)("%j", (source, rendered) => {
    const known = { tools: null, documents: null, add_generation_prompt: true, ...specialTokens };
    expect(new PythonTemplate(source).render({ messages: golden.messages, ...known })).toBe(rendered);
  });

  it.each(golden.chats)("$name, with every switch and system prompt", ({ source, rendered }) => {
    const template = new ChatTemplate(source);
    for (const [messages, variables, expected] of rendered) {
      const render = () => template.render(messages, { addGenerationPrompt: true, specialTokens, variables });
      if (expected === null) expect(render).toThrow(expect.objectContaining({ code: "model-invalid" }));
      else expect(render()).toBe(expected);
    }
  });
});
