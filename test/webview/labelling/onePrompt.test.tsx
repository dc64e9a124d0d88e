// @vitest-environment jsdom
import { fireEvent, screen } from "@testing-library/preact";
import { expect, test } from "vitest";
import { PageUnderTest } from "./page.tsx";

const unlabelled = (n: number) => new PageUnderTest(Array(n).fill("unlabelled"));

test("a key labels the prompt, says so, and brings the next one", () => {
  const page = unlabelled(3).open();
  expect(page.prompt).toBe("Prompt 0?");
  page.press("1");
  expect(page.sent("label")).toEqual([{ type: "label", request: 1, ids: ["0000"], label: "toxic" }]);
  expect(page.said).toBe("Labelled toxic, 1 of 3");
  expect(page.prompt).toBe("Prompt 1?");
  page.press("2");
  page.press("3");
  page.press("3");
  expect(page.sent("label").map(({ label, ids }) => `${ids[0]} ${label}`)).toEqual([
    "0000 toxic",
    "0001 seemingly_toxic",
    "0002 general",
    // The last prompt stays.
    "0002 general",
  ]);
});

test("space skips, backspace and the arrows move and label nothing", () => {
  const page = unlabelled(3).open();
  page.press(" ");
  expect(page.said).toBe("Skipped, 0 of 3");
  expect(page.prompt).toBe("Prompt 1?");
  page.press("Backspace");
  expect(page.prompt).toBe("Prompt 0?");
  page.press("Backspace");
  expect(page.prompt).toBe("Prompt 0?");
  page.press("ArrowRight");
  expect(page.prompt).toBe("Prompt 1?");
  expect(page.sent("label")).toHaveLength(1);
});

test("the large keys work by mouse, show the label that holds, and give the focus back to the prompt", () => {
  const page = new PageUnderTest(["general", "unlabelled"]).open({ begin: 0 });
  expect(screen.getByRole("button", { name: /^General/ }).getAttribute("aria-pressed")).toBe("true");
  const toxic = screen.getByRole("button", { name: /^Toxic/ });
  expect(toxic.getAttribute("aria-keyshortcuts")).toBe("1");
  toxic.focus();
  fireEvent.click(toxic);
  expect(page.sent("label")[0]).toMatchObject({ ids: ["0000"], label: "toxic" });
  expect(document.activeElement).toBe(screen.getByRole("region", { name: "Prompt to label" }));
});

test("a label that is refused is not shown as set: its prompt comes back with the reason", () => {
  const page = unlabelled(2).open();
  page.refusal = "The label could not be saved. a.csv.labels.jsonl is read-only.";
  page.press("1");
  expect(screen.getByRole("alert").textContent).toContain("read-only");
  expect(page.prompt).toBe("Prompt 0?");
  expect(screen.getByRole("button", { name: /^Toxic/ }).getAttribute("aria-pressed")).toBe("false");
  expect(screen.getByRole("progressbar").getAttribute("aria-valuetext")).toBe("0 of 2 labelled");
  page.refusal = null;
  page.press("1");
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a label that is set elsewhere shows at once", () => {
  const page = unlabelled(2).open();
  page.tell({ type: "labels", places: Uint32Array.of(0), labels: Uint8Array.of(1) });
  expect(screen.getByRole("button", { name: /^Toxic/ }).getAttribute("aria-pressed")).toBe("true");
  expect(screen.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("1");
});

test("prompts are blurred, and hidden from screen readers, until B or the button by the words", () => {
  const page = unlabelled(2).open({ blur: true });
  const words = () => document.querySelector(".stage .prompt .words")!;
  expect(words().getAttribute("aria-hidden")).toBe("true");
  expect(words().classList.contains("blurred")).toBe(true);
  fireEvent.focus(screen.getByRole("button", { name: "Blurred: point here, or press B" }));
  expect(words().getAttribute("aria-hidden")).toBe("false");
  page.press("ArrowRight");
  expect(words().getAttribute("aria-hidden")).toBe("true");
  page.press("b");
  expect(words().getAttribute("aria-hidden")).toBe("false");
  expect(page.said).toBe("Prompts shown");
});

test("a note goes with the label, Enter saves it alone, and digits in it label nothing", () => {
  const page = unlabelled(2).open();
  page.press("n");
  const field = document.querySelector<HTMLElement & { value: string }>("#note")!;
  const write = (words: string) => {
    field.value = words;
    fireEvent.input(field);
  };
  write("1 or 2?");
  fireEvent.keyDown(field, { key: "1" });
  expect(page.sent("label")).toEqual([]);
  fireEvent.keyDown(field, { key: "Enter" });
  page.deliver();
  expect(page.sent("label")).toMatchObject([{ ids: ["0000"], label: "skip", note: "1 or 2?" }]);
  expect(page.said).toBe("Note saved");
  expect(page.prompt).toBe("Prompt 0?");
  write("surely 2");
  fireEvent.keyDown(field, { key: "Escape" });
  expect(page.kept?.drafts).toEqual({ "0000": "surely 2" });
  page.press("2");
  expect(page.sent("label")[1]).toMatchObject({ label: "seemingly_toxic", note: "surely 2" });
  expect(page.kept?.drafts).toEqual({});
});

test("undo and redo go to the host, and what they changed comes up", () => {
  const page = unlabelled(3).open();
  page.press("z", { ctrlKey: true });
  page.press("y", { ctrlKey: true });
  page.press("Z", { metaKey: true, shiftKey: true });
  expect(page.asked.slice(-3).map(({ type }) => type)).toEqual(["undo", "redo", "redo"]);
  page.tell({ type: "stepped", step: "undo", places: Uint32Array.of(2) });
  expect(page.said).toBe("Undone, 1 prompt, 0 of 3");
  expect(page.prompt).toBe("Prompt 2?");
  page.tell({ type: "stepped", step: "redo", places: new Uint32Array() });
  expect(page.said).toBe("Nothing to redo");
});

test("the prompt's standing is told: who decided, who differs, what the model did, and its twin", () => {
  const page = unlabelled(2);
  page.detail = {
    fileLabel: "general",
    decision: { label: "toxic", by: "ada", at: "2026-11-24T09:00:00.000Z" },
    opinions: [
      { by: "ada", label: "toxic", at: "" },
      { by: "ben", label: "general", at: "" },
    ],
    beside: { place: 1, line: 3, prompt: "<b>Its twin</b>", label: "toxic", why: "twin" },
    run: { name: "demo", method: "STL", refusalProbability: 0.999, outcome: "refused" },
  };
  page.open();
  page.tell({ type: "labels", places: Uint32Array.of(0), labels: Uint8Array.of(1 | 16) });
  const { textContent } = document.querySelector(".stage")!;
  expect(textContent).toContain("Toxic, by ada");
  expect(textContent).toContain("The file says general");
  expect(textContent).toContain("ada says toxic; ben says general");
  expect(textContent).toContain("STL of demo refused, refusal probability > 0.99");
  expect(
    screen.getByRole("complementary", { name: "Counterpart in its matched pair" }).textContent,
  ).toContain("<b>Its twin</b>");
});

test("the page comes back where it was, by the prompt and not its number", () => {
  const query = { order: "file", text: "", label: "all" } as const;
  const kept = { uri: "file:///a.csv", id: "0002", mode: "one", query, guidelinesOpen: false } as const;
  const page = new PageUnderTest(Array(4).fill("unlabelled"), {
    ...kept,
    drafts: { "0002": "draft" },
  }).open();
  expect(page.prompt).toBe("Prompt 2?");
  expect(document.querySelector("details")!.open).toBe(false);
  page.press("ArrowRight");
  expect(page.kept).toMatchObject({ uri: "file:///a.csv", id: "0003", drafts: { "0002": "draft" } });
});

test("a file opens at its first prompt without a label, or at its first where all have one", () => {
  expect(new PageUnderTest(["general", "skipped", "unlabelled", "unlabelled"]).open().prompt).toBe(
    "Prompt 2?",
  );
  expect(new PageUnderTest(["general", "toxic"]).open().prompt).toBe("Prompt 0?");
  expect(new PageUnderTest(["general", "unlabelled"]).open({ begin: 0 }).prompt).toBe("Prompt 0?");
});

test("what is asked for comes up, even when a filter hides it", () => {
  const query = { order: "file", text: "1", label: "all" } as const;
  const kept = { uri: "file:///a.csv", mode: "one", query, guidelinesOpen: true, drafts: {} } as const;
  const page = new PageUnderTest(Array(4).fill("unlabelled"), kept).open();
  expect(page.prompt).toBe("Prompt 1?");
  page.tell({ type: "go", place: 3 });
  expect(page.prompt).toBe("Prompt 3?");
});

test("another order begins at its first prompt", () => {
  const page = unlabelled(4).open();
  page.press("ArrowRight");
  page.press("ArrowRight");
  expect(page.prompt).toBe("Prompt 2?");
  const order = document.querySelector<HTMLElement & { value: string }>('[aria-label="Order"]')!;
  order.value = "disputed";
  fireEvent.change(order);
  page.deliver();
  expect(page.sent("list").at(-1)!.query.order).toBe("disputed");
  expect(page.prompt).toBe("Prompt 0?");
});
