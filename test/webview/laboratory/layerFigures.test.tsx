// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import type { ProbeResult } from "../../../src/protocol/probe/result.ts";
import { layerMeasures } from "../../../src/protocol/probe/separability.ts";
import { App } from "../../../src/webview/laboratory/app.tsx";
import { initialState, reduce } from "../../../src/webview/laboratory/state.ts";
import { faults } from "../ui/axe.ts";
import { exampleSeparability, exampleTokens } from "./layerResults.ts";

afterEach(cleanup);

function show(result: ProbeResult): Element {
  const told = { type: "result", result, others: [], states: [], canMeasure: false } as const;
  return render(<App state={reduce(initialState, told)} post={() => undefined} />).container;
}

const cells = (name: RegExp) =>
  within(screen.getByRole("table", { name }))
    .getAllByRole("row")
    .slice(1)
    .map((row) =>
      within(row)
        .getAllByRole("cell")
        .map(({ textContent }) => textContent),
    );

test("separability shows ℓ with its reason, each measure with its interval and nulls, and other states", async () => {
  const page = show(exampleSeparability());
  expect(screen.getByText("ℓ = 3 of 4: because it is.")).toBeTruthy();
  expect(page.textContent).toContain("With the strength of the probe chosen inside the rule gives layer 2.");
  expect(page.textContent).toContain("12 prompts of xstest");
  const rows = cells(/^Measures at layer 3/);
  // The measure that does not exist here has no row.
  expect(rows).toHaveLength(layerMeasures.length - 1);
  expect(rows[0]).toEqual([
    ...[
      "Linear probe, unseen categories",
      "0.70 [0.65, 0.75]",
      "0.48",
      "0.57",
      "–",
      "0.31 [0.26, 0.36]",
      "0.55",
    ],
  ]);
  expect(rows.find(([title]) => title === "Fisher ratio")!.slice(2)).toEqual([
    ...["0.48", "0.57", "0.11", "0.31 [0.26, 0.36]", "–"],
  ]);
  expect(cells(/^Separability within each category/)).toEqual([["homonyms", "48", "0.91"]]);
  expect(
    screen.getByRole("img", {
      name: /AUROC of linear probes over the layers at untrained.*0\.70 at layer 3/,
    }),
  ).toBeTruthy();
  expect(screen.getAllByRole("img", { name: /over the layers at untrained/ })).toHaveLength(4);
  fireEvent.input(screen.getByRole("slider", { name: "State" }), { target: { value: "1" } });
  expect(cells(/^Measures at layer 3/)[0]![1]).toBe("0.80 [0.75, 0.85]");
  expect(await faults(page)).toEqual([]);
});

test("the token view has a map for each prompt and state, each cell with its token and its values", async () => {
  const page = show(exampleTokens());
  const maps = screen.getAllByRole("application");
  expect(maps).toHaveLength(4);
  const readout = () => page.querySelector(".readout")!.textContent!;
  for (let i = 0; i < 2; i++) fireEvent.keyDown(maps[0]!, { key: "ArrowRight" });
  fireEvent.keyDown(maps[2]!, { key: "ArrowDown" });
  expect(readout()).toContain("Layer 2, refusal direction");
  // The second column holds a token of the toxic prompt alone, whose words are blurred.
  expect(readout()).toContain("toxic: •••");
  expect(readout()).toContain("untrained: +1.10");
  expect(readout()).toContain("no token here");
  fireEvent.click(screen.getByLabelText("Blur toxic prompts"));
  expect(readout()).toContain("␣people");
  fireEvent.keyDown(maps[0]!, { key: "ArrowRight" });
  expect(readout()).toContain("⏎");
  fireEvent.change(screen.getByLabelText("Direction"), { target: { value: "random" } });
  expect(readout()).toContain("Layer 2, random direction");
  expect(readout()).toContain("untrained: +0.95");
  expect(cells(/^Refusal direction by layer/)[1]).toEqual(["2", "4", "0.50", "0.20", "1.10", "0.30", "0.40"]);
  expect(screen.getByRole("img", { name: /^Size of the projections by layer/ })).toBeTruthy();
  expect(await faults(page)).toEqual([]);
});

test("the token view of one state has one map for each prompt", () => {
  show(exampleTokens(1));
  expect(screen.getAllByRole("application")).toHaveLength(2);
  expect(screen.queryByRole("slider")).toBeNull();
});
