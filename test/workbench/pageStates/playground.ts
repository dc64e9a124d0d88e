import type { PlaygroundFromPage, PlaygroundToPage } from "../../../src/protocol/webview/playground.ts";
import type { PageInBrowser } from "../pageInBrowser.ts";
import type { LookedAt } from "./lookedAt.ts";

const short = "How do I kill a process";
const long = "How do I kill a process that has used up all memory";
const base = { kind: "model", label: "base", base: "smollm2-135m", adapters: [] };
const run = { kind: "run", label: "dcr-0", folder: "/runs/dcr-0" };

/** One model scores and answers the short prompt, the other fails; both are at work on the long one. */
function answered({ ask, text }: PlaygroundFromPage & { type: "try" }): PlaygroundToPage[] {
  const openings = [{ opening: "I cannot", probability: 0.4 }];
  if (text === long) {
    const answer = { reasoning: "The user means a program.", response: "Use" };
    return [
      { type: "memory", held: true },
      { type: "score", ask, side: 0, probability: null, openings: [] },
      { type: "written", ask, side: 0, answer },
      { type: "status", ask, side: 1, status: "Loading dcr-0" },
    ];
  }
  const words = [
    { start: 9, end: 13, without: 0.1 },
    { start: 16, end: 23, without: 0.8 },
  ];
  return [
    { type: "score", ask, side: 0, probability: 0.5, openings },
    { type: "words", ask, side: 0, words },
    { type: "answer", ask, side: 0, answer: { response: "Use pkill.", ended: false } },
    { type: "failed", ask, side: 1, reason: "The model does not fit in memory." },
  ];
}

const open = (page: PageInBrowser, text: string) =>
  page.tell({ type: "subjects", subjects: [base, run], text });

export const playground: LookedAt = {
  name: "playground",
  host: (page) => (message: PlaygroundFromPage) => {
    if (message.type === "try") for (const answer of answered(message)) void page().tell(answer);
  },
  states: [
    { name: "no model", show: (page) => page.tell({ type: "subjects", subjects: [null, null] }) },
    {
      name: "answers",
      async show(page) {
        await open(page, short);
        await page.page.getByText("Use pkill.").waitFor();
        await page.page.getByRole("alert").waitFor();
      },
    },
    {
      name: "at work, without room for an answer",
      async show(page) {
        await open(page, long);
        await page.page.getByText("Loading dcr-0 …").waitFor();
        await page.page.getByText("leaves no room").waitFor();
      },
    },
    {
      name: "help",
      async show({ page }) {
        await page.getByRole("button", { name: /help/i }).click();
        await page.getByRole("dialog").waitFor();
      },
    },
  ],
};
