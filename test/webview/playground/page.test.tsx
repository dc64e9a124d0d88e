// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PlaygroundFromPage, PlaygroundToPage } from "../../../src/protocol/webview/playground.ts";
import { App, patience } from "../../../src/webview/playground/app.tsx";
import {
  asked,
  cancelled,
  initialState,
  type PageState,
  reduce,
} from "../../../src/webview/playground/state.ts";
import { faults } from "../ui/axe.ts";

let posted: PlaygroundFromPage[];
let state: PageState;
let redraw: (() => void) | null;
beforeEach(() => {
  vi.useFakeTimers();
  posted = [];
  state = initialState;
  redraw = null;
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const subjects: PlaygroundToPage = {
  type: "subjects",
  subjects: [
    { kind: "model", label: "base", base: "smollm2-135m", adapters: [] },
    { kind: "run", label: "dcr-0", folder: "/runs/dcr-0" },
  ],
  text: "Kill <b>Python</b>",
};
function show(): Element {
  const element = () => <App state={state} opened="Kill <b>Python</b>" post={post} />;
  const { container, rerender } = render(element());
  redraw = () => rerender(element());
  return container;
}
function post(message: PlaygroundFromPage): void {
  posted.push(message);
  if (message.type === "try") state = asked(state, message.ask, message.text);
  if (message.type === "cancel") state = cancelled(state);
}
function tell(message: PlaygroundToPage): void {
  state = reduce(state, message);
  act(() => redraw!());
}
const rest = () => act(() => void vi.advanceTimersByTime(patience));
const tries = () => posted.filter((message) => message.type === "try");

test("asks once the keys rest, drops what belongs to other words, and shows numbers beside every shade", async () => {
  state = reduce(state, subjects);
  const container = show();
  rest();
  expect(tries()).toEqual([{ type: "try", ask: 1, text: "Kill <b>Python</b>", maxNewTokens: null }]);
  const prompt = screen.getByLabelText("Prompt");
  for (const value of ["Kill it", "Kill it n", "Kill it now"]) fireEvent.input(prompt, { target: { value } });
  rest();
  expect(tries()).toHaveLength(2);
  expect(posted.at(-2)).toEqual({ type: "cancel" });
  const score = { type: "score", side: 0, openings: [{ opening: "I'm sorry", probability: 0.45 }] } as const;
  tell({ ...score, ask: 1, probability: 0.11 });
  expect(container.textContent).not.toContain("0.11");
  tell({ ...score, ask: 2, probability: 0.6 });
  const left = screen.getByRole("region", { name: "Left: base" });
  expect(left.textContent).toContain("Refusal probability 0.60");
  expect(within(left).getByRole("row", { name: /I'm sorry/ }).textContent).toContain("75 %");
  tell({
    ...{ type: "words", ask: 2, side: 0 },
    words: [
      { start: 0, end: 4, without: 0.1 },
      { start: 5, end: 7, without: 0.7 },
      { start: 8, end: 11, without: null },
    ],
  });
  const rows = within(screen.getByRole("region", { name: "What each word does" })).getAllByRole("row");
  expect(rows.slice(1).map(({ textContent }) => textContent)).toEqual([
    "Kill0.10 (+0.50)",
    "it0.70 (−0.10)",
    "nownot scored",
  ]);
  const words = [...left.querySelectorAll(".shaded .word")];
  // No line where a word does nothing, or was not scored; what the lines mean stands below.
  expect(words.map(({ className }) => className.trim())).toEqual(["word raises", "word lowers", "word"]);
  expect(left.querySelector(".legend")!.textContent).toBe("raises and lowers the refusal probability");
  vi.useRealTimers();
  expect(await faults(container)).toEqual([]);
});

test("answers on Ctrl+Enter, as text, and says what failed and what was cut off", () => {
  state = reduce(state, subjects);
  const container = show();
  rest();
  fireEvent.keyDown(screen.getByLabelText("Prompt"), { key: "Enter", ctrlKey: true });
  expect(tries().at(-1)).toMatchObject({ maxNewTokens: 64 });
  const { ask } = state;
  expect(container.textContent).toContain("has both models answer");
  tell({
    type: "answer",
    ask,
    side: 0,
    answer: { response: "<img src=x onerror=alert(1)> \u202eno", ended: false },
  });
  tell({ type: "failed", ask, side: 1, reason: "The run cannot be used." });
  expect(container.querySelector("img")).toBeNull();
  expect(container.textContent).toContain("<img src=x onerror=alert(1)> [U+202E]no");
  expect(screen.getByText("Cut off at the maximum number of tokens.")).toBeTruthy();
  expect(screen.getByRole("alert").textContent).toBe("The run cannot be used.");
  fireEvent.click(screen.getByRole("button", { name: /right/ }));
  expect(posted.at(-1)).toEqual({ type: "choose", side: 1 });
});

test("shows an answer while it is written, which is not announced, and offers to add the prompt and to give memory back", async () => {
  state = reduce(state, subjects);
  const container = show();
  rest();
  const { ask } = state;
  const left = screen.getByRole("region", { name: "Left: base" });
  tell({ type: "written", ask, side: 0, answer: { response: "I am <b>sor" } });
  expect(left.textContent).toContain("Writing …");
  expect(left.querySelector('[aria-busy="true"]')!.textContent).toContain("I am <b>sor");
  tell({ type: "written", ask: ask - 1, side: 0, answer: { response: "of an earlier question" } });
  expect(left.textContent).not.toContain("earlier");
  tell({ type: "answer", ask, side: 0, answer: { response: "I am sorry.", ended: true } });
  expect(left.querySelector('[aria-busy="false"]')!.textContent).toBe("AnswerI am sorry.");
  const release = screen.getByRole<HTMLButtonElement>("button", { name: "Release Memory" });
  expect(release.disabled).toBe(true);
  tell({ type: "memory", held: true });
  fireEvent.click(release);
  fireEvent.click(screen.getByRole("button", { name: "Add to Prompt File…" }));
  expect(posted.slice(-2)).toEqual([{ type: "release" }, { type: "add", text: "Kill <b>Python</b>" }]);
  vi.useRealTimers();
  expect(await faults(container)).toEqual([]);
});

test("asks nothing without a model or without words", () => {
  show();
  rest();
  expect(posted).toEqual([]);
  expect((screen.getByRole("button", { name: "Answer" }) as HTMLButtonElement).disabled).toBe(true);
  expect(screen.getAllByText("No model")).toHaveLength(2);
  cleanup();
  state = reduce(initialState, subjects);
  show();
  fireEvent.input(screen.getByLabelText("Prompt"), { target: { value: "  " } });
  rest();
  expect(tries()).toEqual([]);
});

test("an answer that is asked for before the keys have rested is not ended by the question about probabilities", () => {
  state = reduce(state, subjects);
  show();
  rest();
  fireEvent.input(screen.getByLabelText("Prompt"), { target: { value: "Kill it now" } });
  fireEvent.keyDown(screen.getByLabelText("Prompt"), { key: "Enter", ctrlKey: true });
  rest();
  expect(tries().map(({ text, maxNewTokens }) => [text, maxNewTokens])).toEqual([
    ["Kill <b>Python</b>", null],
    ["Kill it now", 64],
  ]);
});

test("nor by what a last key in the same frame still has to do", async () => {
  state = reduce(state, subjects);
  show();
  rest();
  const prompt = screen.getByLabelText<HTMLTextAreaElement>("Prompt");
  prompt.value = "Kill it now";
  prompt.dispatchEvent(new Event("input", { bubbles: true }));
  // The page is drawn, and its effects come later.
  await Promise.resolve();
  prompt.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
  rest();
  expect(posted.slice(-2).map(({ type }) => type)).toEqual(["try", "try"]);
  expect(tries().at(-1)).toMatchObject({ text: "Kill it now", maxNewTokens: 64 });
});

test("what one model does stays in sight when the other is changed, and when an answer is asked for", () => {
  state = reduce(state, subjects);
  show();
  rest();
  const left = screen.getByRole("region", { name: "Left: base" });
  tell({ type: "score", ask: state.ask, side: 0, probability: 0.6, openings: [] });
  tell({ type: "score", ask: state.ask, side: 1, probability: 0.2, openings: [] });
  fireEvent.keyDown(screen.getByLabelText("Prompt"), { key: "Enter", ctrlKey: true });
  act(() => redraw!());
  expect(left.textContent).toContain("Refusal probability 0.60");
  const other = { kind: "run", label: "stl-0", folder: "/runs/stl-0" } as const;
  tell({ type: "subjects", subjects: [state.subjects[0]!, other] });
  rest();
  act(() => redraw!());
  expect(left.textContent).toContain("Refusal probability 0.60");
  const right = screen.getByRole("region", { name: "Right: stl-0" });
  expect(right.textContent).not.toContain("Refusal probability");
  expect(right.textContent).toContain("Scoring …");
});

test("the prompt has the focus once the page has it, unless something else does", () => {
  state = reduce(state, subjects);
  show();
  const release = screen.getByRole("button", { name: "Answer" });
  (document.activeElement as HTMLElement | null)?.blur();
  act(() => void window.dispatchEvent(new Event("focus")));
  expect(document.activeElement).toBe(screen.getByLabelText("Prompt"));
  release.focus();
  act(() => void window.dispatchEvent(new Event("focus")));
  expect(document.activeElement).toBe(release);
});
