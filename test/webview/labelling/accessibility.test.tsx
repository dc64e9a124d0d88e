// @vitest-environment jsdom

import { screen, waitFor } from "@testing-library/preact";
import axe from "axe-core";
import { expect, test } from "vitest";
import { PageUnderTest } from "./page.tsx";

/** Faults that axe finds. Colours need a real layout, and the toolkit's elements are only names in jsdom. */
async function faults(): Promise<string[]> {
  const { violations } = await axe.run(
    { include: document.body, exclude: ["vscode-dropdown", "vscode-text-field", "vscode-text-area"] },
    { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } },
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

test("one prompt, blurred and shown, with its keys and an error, has no fault", async () => {
  const page = new PageUnderTest(Array(5).fill("unlabelled"));
  page.detail = { beside: { place: 1, line: 3, prompt: "Twin?", why: "twin" } };
  page.open({ blur: true });
  expect(await faults()).toEqual([]);
  page.press("b");
  page.refusal = "read-only";
  page.press("1");
  page.press("?");
  expect(screen.getByRole("dialog", { name: "Help: labelling panel" })).toBe(document.activeElement);
  expect(await faults()).toEqual([]);
});

test("the grid has no fault", async () => {
  new PageUnderTest(Array(200).fill("general")).open().press("g");
  await waitFor(() => expect(screen.getByText("Prompt 3?")).toBeTruthy());
  expect(await faults()).toEqual([]);
});

test("every state without prompts says what it is and what can be done", async () => {
  new PageUnderTest([]).open();
  expect(screen.getByText("No prompts in this file")).toBeTruthy();
  const page = new PageUnderTest(["general", "toxic"]);
  const query = { order: "file", text: "", label: "unlabelled" } as const;
  page.open();
  page.tell({ type: "list", query: { ...query, label: "all" }, places: new Uint32Array() });
  expect(screen.getByText("No prompt matches")).toBeTruthy();
  new PageUnderTest(["general"], {
    uri: "file:///a.csv",
    mode: "one",
    query,
    guidelinesOpen: true,
    drafts: {},
  }).open();
  expect(screen.getByText("All labelled")).toBeTruthy();
  expect(await faults()).toEqual([]);
  const broken = new PageUnderTest([]);
  broken.tell({ type: "unreadable", message: "The prompt file cannot be read." });
  expect(screen.getByText("The prompt file cannot be read.")).toBeTruthy();
});

test("a person's own guidelines stand as text", () => {
  new PageUnderTest(["general"]).open({ guidelines: "Be <kind>\n\nBe brief" });
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Be <kind>", "Be brief"]);
});
