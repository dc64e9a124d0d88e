// @vitest-environment jsdom
import { fireEvent, screen, waitFor } from "@testing-library/preact";
import { expect, test } from "vitest";
import { PageUnderTest } from "./page.tsx";

async function openGrid(n: number): Promise<PageUnderTest> {
  const page = new PageUnderTest(Array(n).fill("unlabelled")).open();
  page.press("g");
  const grid = screen.getByRole("grid");
  await waitFor(() => expect(document.activeElement).toBe(grid));
  await waitFor(() => expect(screen.getByText("Prompt 0?")).toBeTruthy());
  return page;
}
const selected = () => screen.getAllByRole("row", { selected: true }).map((row) => row.textContent);

test("a grid of 80,000 prompts draws the rows in sight, and asks for their words alone", async () => {
  const page = await openGrid(80_000);
  expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("80001");
  expect(screen.getAllByRole("row").length).toBeLessThan(60);
  const asked = () => page.sent("rows").flatMap(({ places }) => places);
  expect(asked()).toEqual([...Array(50).keys()]);
  page.press("End");
  await waitFor(() => expect(screen.getByText("Prompt 79999?")).toBeTruthy());
  expect(asked().length).toBeLessThan(300);
  expect(Math.min(...asked().slice(50))).toBeGreaterThan(79_000);
});

test("shift and control select rows, and a key labels them all at once", async () => {
  const page = await openGrid(300);
  page.press("ArrowDown");
  page.press("ArrowDown", { shiftKey: true });
  page.press("ArrowDown", { shiftKey: true });
  expect(selected()).toHaveLength(3);
  fireEvent.click(screen.getByText("Prompt 7?"), { ctrlKey: true });
  expect(screen.getByText("4 prompts selected")).toBeTruthy();
  page.press("2");
  expect(page.sent("label")).toMatchObject([
    { ids: ["0001", "0002", "0003", "0007"], label: "seemingly_toxic" },
  ]);
  expect(page.said).toBe("Labelled seemingly toxic, 4 prompts, 4 of 300");
  expect(selected()).toHaveLength(4);
  fireEvent.click(screen.getByText("Prompt 9?"), { shiftKey: true });
  expect(selected()).toHaveLength(3);
});

test("a single row is labelled and the next one comes; Enter shows it alone", async () => {
  const page = await openGrid(5);
  page.press("1");
  page.press("3");
  expect(page.sent("label").map(({ ids, label }) => `${ids} ${label}`)).toEqual([
    "0000 toxic",
    "0001 general",
  ]);
  page.press("Enter");
  expect(page.prompt).toBe("Prompt 2?");
});

test("control+A selects all, control+space takes a row out", async () => {
  const page = await openGrid(80_000);
  page.press("a", { ctrlKey: true });
  expect(page.said).toBe("80,000 prompts selected");
  page.press(" ", { ctrlKey: true });
  expect(screen.getByText("79,999 prompts selected")).toBeTruthy();
  expect(page.sent("label")).toEqual([]);
});

test("a search waits for a pause, and what matches nothing says so", async () => {
  const page = await openGrid(20);
  const field = document.querySelector<HTMLElement & { value: string }>("#search")!;
  field.value = "x";
  fireEvent.input(field);
  field.value = "xy";
  fireEvent.input(field);
  await waitFor(() => expect(screen.getByText("No prompt matches")).toBeTruthy());
  expect(page.sent("list").map(({ query }) => query.text)).toEqual(["", "xy"]);
  fireEvent.click(screen.getByText("Show all prompts"));
  page.deliver();
  expect(screen.getByRole("grid")).toBeTruthy();
});

test("control+A selects what a search found, from the grid, from a button and from the search, and moves no focus", async () => {
  const page = await openGrid(30);
  const field = document.querySelector<HTMLElement & { value: string }>("#search")!;
  field.focus();
  field.value = "Prompt 1";
  fireEvent.input(field);
  // Sooner than the pause of typing: the list that comes is meant, not the one that is shown.
  fireEvent.keyDown(field, { key: "Enter" });
  const grid = screen.getByRole("grid");
  expect(document.activeElement).toBe(grid);
  const reachedEditor: string[] = [];
  const listen = (event: KeyboardEvent) => reachedEditor.push(event.key);
  window.addEventListener("keydown", listen);
  page.press("a", { ctrlKey: true });
  window.removeEventListener("keydown", listen);
  expect(reachedEditor).toEqual([]);
  expect(page.said).toBe("11 prompts selected");
  expect(document.activeElement).toBe(grid);
  expect(screen.getAllByRole("row", { selected: true })).toHaveLength(11);
  page.press("2");
  expect(page.sent("label").at(-1)!.ids).toHaveLength(11);
  const help = screen.getByRole("button", { name: /^Show prompts/ });
  page.press("ArrowDown");
  help.focus();
  page.press("a", { ctrlKey: true });
  expect(page.said).toBe("11 prompts selected");
  expect(screen.getAllByRole("row", { selected: true })).toHaveLength(11);
  expect(document.activeElement).toBe(help);
  page.press("ArrowDown");
  // jsdom does not know that the toolkit's field takes the focus.
  field.tabIndex = 0;
  field.focus();
  field.value = "";
  fireEvent.keyDown(field, { key: "a", ctrlKey: true });
  page.deliver();
  expect(page.said).toBe("30 prompts selected");
  expect(document.activeElement).toBe(field);
});

test("undo selects what it restored, also what the list did not show", async () => {
  const page = await openGrid(10);
  page.tell({ type: "stepped", step: "undo", places: Uint32Array.of(3, 5, 6) });
  expect(selected().map((row) => /Prompt \d/.exec(row)?.[0])).toEqual(["Prompt 3", "Prompt 5", "Prompt 6"]);
  expect(screen.getByText("3 prompts selected")).toBeTruthy();
  const field = document.querySelector<HTMLElement & { value: string }>("#search")!;
  field.value = "Prompt 1";
  fireEvent.input(field);
  fireEvent.keyDown(field, { key: "Enter" });
  page.deliver();
  expect(screen.getAllByRole("row")).toHaveLength(2);
  page.tell({ type: "stepped", step: "undo", places: Uint32Array.of(4, 8) });
  expect(selected().map((row) => /Prompt \d/.exec(row)?.[0])).toEqual(["Prompt 4", "Prompt 8"]);
});

test("a label of many that is declined leaves the selection", async () => {
  const page = await openGrid(300);
  page.press("a", { ctrlKey: true });
  page.declines = true;
  page.press("1");
  expect(page.said).toBe("Not labelled");
  expect(screen.getByText("300 prompts selected")).toBeTruthy();
});
