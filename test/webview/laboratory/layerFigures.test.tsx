// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, expect, test } from "vitest";
import type { ProbeResult } from "../../../src/protocol/probe/result.ts";
import { layerMeasures, separabilityContract } from "../../../src/protocol/probe/separability.ts";
import { tokensContract } from "../../../src/protocol/probe/tokens.ts";
import { App } from "../../../src/webview/laboratory/app.tsx";
import { initialState, reduce } from "../../../src/webview/laboratory/state.ts";
import { faults } from "../ui/axe.ts";
import { examplePrompts, exampleResult, exampleStates } from "./results.ts";

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

/** Four layers; the second state is 0.1 higher. */
function exampleSeparability(): ProbeResult {
  const measures = (value: number, withSources: boolean) =>
    Object.fromEntries(
      layerMeasures.map(({ id, unit }) => [
        id,
        id === "sourceOut"
          ? null
          : {
              ...{ value, standardError: 0.02, lower: value - 0.05, upper: value + 0.05 },
              shuffled: { mean: 0.48, highest: 0.57 },
              source: unit !== "AUROC" && withSources ? 0.11 : null,
            },
      ]),
    );
  const figures = {
    ...{ pooling: "last", strengths: [0.1, 1, 10], draws: 20 },
    proposal: { layer: 3, plateau: [2, 3], highest: 3, nested: 2, reason: "ℓ = 3 of 4: because it is." },
    transfer: { prompts: 12, leftOut: 1, categories: 2, sources: ["xstest"], unseenSource: true },
    states: exampleStates(2).map(({ name: state }, s) => ({
      state,
      choice: {
        ...{ layer: 3, heldOut: "category", groups: 5, folds: 5 },
        curve: [1, 2, 3, 4].map((layer) => ({
          ...{ layer, auroc: 0.6, standardError: 0.02, pairAccuracy: 0.7 },
          shuffled: { mean: 0.5, highest: 0.6 },
        })),
        controls: {
          ...{ draws: 20, shuffledBest: 0.6, surface: { auroc: 0.63, standardError: 0.03 } },
          source: { auroc: 0.55, standardError: 0 },
        },
      },
      curve: [1, 2, 3, 4].map((layer) => ({ layer, measures: measures(0.4 + 0.1 * layer + 0.1 * s, true) })),
      surface: measures(0.31, false),
      categories: [{ category: "homonyms", prompts: 48, aurocs: [0.5, 0.6, 0.91, null] }],
    })),
  };
  return exampleResult(separabilityContract, { states: exampleStates(2), figures, tables: [] });
}

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

/** A pair of three and two tokens over three layers. */
function exampleTokens(states = 2): ProbeResult {
  const prompts = examplePrompts(6);
  const pair = [prompts[0]!, prompts[1]!];
  const tokens = [
    [" shoot", " people", "\n"].map((text, i) => ({ id: i, text, column: i, own: i < 2 })),
    [" shoot", "\n"].map((text, i) => ({ id: i, text, column: 2 * i, own: i < 1 })),
  ];
  const names = exampleStates(states);
  const value = (s: number, kind: number, prompt: number, layer: number, t: number) =>
    (prompt === 0 ? 1 : -1) * (layer + 1) * 0.5 + 0.1 * t + s - 0.25 * kind;
  const kinds = ["refusal", "random", "shuffled"] as const;
  const figures = {
    ...{
      against: "general",
      fitted: { toxic: 20, against: 21 },
      fit: "each",
      columns: 3,
      skipped: 4,
      draws: 8,
    },
    prompts: pair.map(({ id, prompt, group }, p) => ({ id, prompt, group, tokens: tokens[p]! })),
    states: names.map(({ name: state }, s) => ({
      state,
      layers: [1, 2, 3].map((layer) => ({
        ...{ layer, distance: 2 * layer, cosine: s === 0 ? 1 : 0.5, shuffledLength: 0.2 },
        size: { refusal: 1.1, random: 0.3, shuffled: 0.4 },
      })),
      maps: kinds.flatMap((kind, k) =>
        [0, 1].map((prompt) => ({
          ...{ kind, prompt },
          values: [0, 1, 2].map((layer) => tokens[prompt]!.map((_, t) => value(s, k, prompt, layer, t))),
        })),
      ),
    })),
  };
  return exampleResult(tokensContract, { prompts, states: names, figures, tables: [] });
}

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
