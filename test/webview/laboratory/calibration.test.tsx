// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import { App } from "../../../src/webview/laboratory/app.tsx";
import { initialState, reduce } from "../../../src/webview/laboratory/state.ts";
import { faults } from "../ui/axe.ts";
import { exampleCalibration } from "./results.ts";

afterEach(cleanup);

test("calibration shows greedy, sampled and openings side by side, at the last state first", async () => {
  const told = { result: exampleCalibration(), others: [], states: [], canMeasure: false };
  const state = reduce(initialState, { type: "result", ...told });
  const page = render(<App state={state} post={null} />).container;
  const table = () => screen.getByRole("table", { name: /greedy, sampled, by openings/ });
  const [, toxic] = within(table()).getAllByRole("row");
  expect([...toxic!.children].map(({ textContent }) => textContent)).toEqual([
    "toxic (4)",
    "94 %",
    "60 % [50, 70]",
    "0.26",
    "0.10",
  ]);
  expect(page.textContent).toContain("takes the most probable token at every step");
  const plot = screen.getByRole("img", { name: /Reliability of the refusal probability/ });
  expect(plot.getAttribute("aria-label")).toContain("stl.openings.json");
  const lists = () => screen.getByRole("table", { name: /Calibration at/ });
  expect(lists().textContent).toContain("0.98 [0.88, 1.08]");
  expect(await faults(page)).toEqual([]);
  // Where refusals are separated there is no line.
  fireEvent.change(screen.getByLabelText("State"), { target: { value: "0" } });
  expect(lists().textContent).toContain("untrained");
  expect(within(lists()).getAllByRole("cell")[1]!.textContent).toBe("–");
});
