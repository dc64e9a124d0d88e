import { describe, expect, test } from "vitest";
import { partReply } from "../../../src/engine/chat/thinking.ts";

const part = (text: string, behind = "assistant\n") => partReply(text, text, behind);

describe("a reply", () => {
  test("without reasoning is the answer", () => {
    expect(part(" Sure. \n")).toEqual({ response: "Sure.", unclosed: false });
    expect(part("a < b")).toEqual({ response: "a < b", unclosed: false });
  });

  test("begins behind the last mark that closes reasoning", () => {
    expect(part("<think>\nHm.\n</think>\n\nNo.")).toEqual({
      response: "No.",
      reasoning: "Hm.",
      unclosed: false,
    });
    expect(part("Hm.\n</think>\n\nNo.", "<think>\n")).toEqual({
      response: "No.",
      reasoning: "Hm.",
      unclosed: false,
    });
    expect(part("<think>a</think>b<think>c</think>No.")).toMatchObject({ response: "No.", unclosed: false });
    expect(part("[THINK]Hm.[/THINK]No.")).toEqual({ response: "No.", reasoning: "Hm.", unclosed: false });
    expect(part("</think>", "<think>\n")).toEqual({ response: "", unclosed: false });
  });

  test("that never closes its reasoning has no answer", () => {
    expect(part("<think>Hm. I cannot")).toEqual({ response: "", reasoning: "Hm. I cannot", unclosed: true });
    expect(part("Hm. I cannot", "assistant<think>\n")).toEqual({
      response: "",
      reasoning: "Hm. I cannot",
      unclosed: true,
    });
    expect(part("a</think>b<think>c", "<think>")).toMatchObject({ response: "", unclosed: true });
    // The prompt closed the reasoning itself.
    expect(part("Sure.", "<think>\n\n</think>\n\n")).toEqual({ response: "Sure.", unclosed: false });
  });

  test("in channels is what the last final one holds", () => {
    const whole =
      "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Sure.<|return|>";
    const visible = "analysisHm.assistantfinalSure.";
    expect(partReply(visible, whole, "<|start|>assistant")).toEqual({
      response: "Sure.",
      reasoning: "analysisHm.assistant",
      unclosed: false,
    });
    const cut = "<|channel|>analysis<|message|>Hm.";
    expect(partReply("analysisHm.", cut, "<|start|>assistant")).toMatchObject({
      response: "",
      unclosed: true,
    });
    const forced = "<|start|>assistant<|channel|>final<|message|>";
    expect(partReply("Sure.", "Sure.<|return|>", forced)).toEqual({ response: "Sure.", unclosed: false });
    expect(
      partReply(
        "Sure.analysisHm.",
        "Sure.<|end|><|start|>assistant<|channel|>analysis<|message|>Hm.",
        forced,
      ),
    ).toEqual({
      response: "Sure.",
      unclosed: false,
    });
  });

  test("whose marks are special tokens is read with them", () => {
    const whole = "<|START_THINKING|>Hm.<|END_THINKING|>Sure.<|END|>";
    expect(partReply("Hm.Sure.", whole, "<|CHAT|>")).toEqual({
      response: "Sure.",
      reasoning: "Hm.",
      unclosed: false,
    });
  });
});
