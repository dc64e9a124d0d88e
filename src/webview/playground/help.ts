import type { Help } from "../ui/help.tsx";

/** The help of the page. */
export const help: Help = {
  title: "Try a Prompt",
  about:
    "Two models are asked the same prompt, side by side: how likely each refuses, which openings of its answer carry that probability, and what each word of the prompt does to it.",
  keys: [
    { shown: "Ctrl+Enter", does: "In the prompt: have both models answer" },
    { shown: "Tab", does: "Leave the prompt" },
  ],
  screenReader: [
    "The page has the prompt, a row of choices, a region for each model, and the table of words.",
    "Probabilities follow half a second after the last key. What a model is doing is announced in its region; so is a failure.",
    "The line under a word of the prompt is a picture of the table of words, which says the effect of each word in figures.",
  ],
};
