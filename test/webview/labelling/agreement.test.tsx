// @vitest-environment jsdom
import { fireEvent, screen, within } from "@testing-library/preact";
import axe from "axe-core";
import { expect, test } from "vitest";
import type { LabelAgreement, PairAgreement } from "../../../src/protocol/webview/labelAgreement.ts";
import { PageUnderTest } from "./page.tsx";

const figures = {
  n: 120,
  share: { value: 0.9, interval: { lower: 0.84, upper: 0.95 } },
  kappa: { value: 0.84, interval: { lower: 0.75, upper: 0.92 } },
  byClass: [0.95, 0.8, null, null],
  confusion: [
    [60, 5, 0, 0],
    [7, 48, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ],
};
const [ada, ben, again] = [
  { by: "Ada", pass: 1 },
  { by: "Ben", pass: 1 },
  { by: "Ada", pass: 2 },
];
const agreement: LabelAgreement = {
  labellings: [ada, ben, { by: "<b>Cy</b>", pass: 1 }, again].map((who) => ({ ...who!, n: 120 })),
  everybody: { n: 120, share: figures.share, alpha: { value: 0.7 }, byClass: figures.byClass },
  people: [{ ...figures, first: ada!, second: ben! } satisfies PairAgreement],
  retests: [{ ...figures, n: 50, first: ada!, second: again! } satisfies PairAgreement],
};

function open(found: LabelAgreement): PageUnderTest {
  const page = new PageUnderTest(Array(5).fill("unlabelled")).open();
  page.press("a");
  expect(page.sent("agreement")).toHaveLength(1);
  page.tell({ type: "agreement", agreement: found });
  return page;
}

test("agreement stands in sentences with n and intervals, with a table of who said what, and has no fault", async () => {
  open(agreement);
  const section = screen.getByRole("region", { name: "Ada and Ben" });
  expect(section.textContent).toContain(
    "Both labelled 120 prompts and agree on 90 % [84, 95]; Cohen's κ = 0.84 [0.75, 0.92].",
  );
  const table = within(section).getByRole("table", { name: "Rows: Ada. Columns: Ben." });
  expect(
    within(table)
      .getAllByRole("cell")
      .map(({ textContent }) => textContent),
  ).toEqual(["", "60", "5", "7", "48"]);
  expect(screen.getByText(/Krippendorff's α = 0.70/).textContent).toContain("3 people labelled 120 prompts");
  const retest = screen.getByRole("region", { name: "Ada, labelled twice" });
  expect(retest.textContent).toContain("labelled 50 prompts again and agrees on 90 % [84, 95]");
  const { violations } = await axe.run(
    { include: document.body, exclude: ["vscode-button"] },
    { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } },
  );
  expect(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))).toEqual([]);
});

test("disagreements are gone through as a list that says so and can be left", () => {
  const page = open(agreement);
  fireEvent.click(
    within(screen.getByRole("region", { name: "Ada and Ben" })).getByText("Go through 12 disagreements"),
  );
  page.deliver();
  expect(page.sent("list").at(-1)!.query).toMatchObject({
    label: "all",
    differ: { first: ada, second: ben },
  });
  expect(page.prompt).toBe("Prompt 0?");
  fireEvent.click(screen.getByRole("button", { name: /Disagreements: Ada and Ben/ }));
  page.deliver();
  expect(page.sent("list").at(-1)!.query.differ).toBeUndefined();
});

test("no key labels while agreement is shown, labels that change ask anew, and A leaves it", () => {
  const page = open(agreement);
  page.press("1");
  expect(page.sent("label")).toEqual([]);
  page.tell({ type: "labels", places: Uint32Array.of(0), labels: Uint8Array.of(1) });
  expect(page.sent("agreement")).toHaveLength(2);
  page.press("a");
  expect(page.prompt).toBe("Prompt 0?");
  page.press("a");
  page.tell({ type: "go", place: 3 });
  expect(page.prompt).toBe("Prompt 3?");
});

test("without two labels of a prompt it says what is missing and how to get it", () => {
  const page = open({ labellings: [{ by: "Ada", pass: 1, n: 3 }], people: [], retests: [] });
  expect(screen.getByText(/So far Ada labelled 3 prompts\. Agreement needs two labels/)).toBeTruthy();
  fireEvent.click(screen.getByText("Label again without seeing labels…"));
  fireEvent.click(screen.getByText("Merge label logs…"));
  fireEvent.click(screen.getByRole("button", { name: "Train on these labels…" }));
  expect(page.sent("do").map(({ what }) => what)).toEqual(["secondPass", "merge", "train"]);
  expect(screen.queryByText("Export agreement…")).toBeNull();
});

test("a second pass says that labels are hidden, has no order and no line, and ends with the agreement", () => {
  const page = new PageUnderTest(["unlabelled", "unlabelled"]).open({ blind: true });
  expect(screen.getByText(/Second pass: earlier labels are hidden/)).toBeTruthy();
  expect(document.querySelector('[aria-label="Order"]')).toBeNull();
  expect(screen.queryByRole("button", { name: /^Line/ })).toBeNull();
  expect(screen.queryByRole("button", { name: /^Agreement/ })).toBeNull();
  expect(screen.queryByRole("button", { name: /^Train/ })).toBeNull();
  page.press("a");
  expect(page.sent("agreement")).toEqual([]);
  expect(page.kept?.secondPass).toBe(50);
  page.press("1");
  expect(screen.queryByText("Show agreement of both passes")).toBeNull();
  page.press("2");
  fireEvent.click(screen.getByText("Show agreement of both passes"));
  expect(page.sent("do")).toEqual([{ type: "do", what: "showAgreement" }]);
});

test("a proposed counterpart is accepted by P and taken back by P; a pair of the file stays", () => {
  const page = new PageUnderTest(["toxic", "seemingly_toxic"]);
  page.detail = {
    beside: { place: 1, line: 3, prompt: "Like it?", why: "proposed", similarity: 0.5 },
    reason: "First",
  };
  page.open();
  expect(document.querySelector(".stage .reason")!.textContent).toContain("First");
  expect(screen.getByRole("complementary", { name: "Proposed counterpart" })).toBeTruthy();
  page.press("p");
  page.detail = { beside: { ...page.detail.beside!, why: "named" } };
  page.tell({ type: "labels", places: Uint32Array.of(0), labels: Uint8Array.of(1) });
  fireEvent.click(screen.getByRole("button", { name: /Not a matched pair/ }));
  page.detail = { beside: { ...page.detail.beside!, why: "twin" } };
  page.tell({ type: "labels", places: Uint32Array.of(0), labels: Uint8Array.of(1) });
  page.press("p");
  expect(page.sent("pair")).toEqual([
    { type: "pair", id: "0000", with: "0001" },
    { type: "pair", id: "0000", with: null },
  ]);
});
