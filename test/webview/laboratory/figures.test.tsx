// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProbeResult } from "../../../src/protocol/probe/result.ts";
import type { LaboratoryFromPage } from "../../../src/protocol/webview/laboratory.ts";
import { App } from "../../../src/webview/laboratory/app.tsx";
import { initialState, reduce } from "../../../src/webview/laboratory/state.ts";
import { figure, signed } from "../../../src/wording/numbers.ts";
import { faults } from "../ui/axe.ts";
import { exampleBound, exampleDirection, exampleInfluence, exampleKernel } from "./gradientResults.ts";

let posted: LaboratoryFromPage[];
beforeEach(() => {
  posted = [];
});
afterEach(cleanup);

function show(result: ProbeResult, isFile = false): Element {
  const told = { type: "result", result, others: [], states: [], canMeasure: false } as const;
  const post = isFile ? null : (request: LaboratoryFromPage) => posted.push(request);
  return render(<App state={reduce(initialState, told)} post={post} />).container;
}

/** The cells of a table by rows, without its head. */
function rows(name: string | RegExp): (string | null)[][] {
  const all = within(screen.getByRole("table", { name })).getAllByRole("row").slice(1);
  return all.map((row) =>
    within(row)
      .getAllByRole("cell")
      .map(({ textContent }) => textContent),
  );
}
const choose = (label: string, value: string) =>
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
const scrub = (name: string, value: number) =>
  fireEvent.input(screen.getByRole("slider", { name }), { target: { value: String(value) } });
const readout = (page: Element) => page.querySelector(".readout")!.textContent!;

describe("the kernel", () => {
  const result = exampleKernel();
  const figures = result.figures as unknown as {
    measured: number[];
    states: { state: string; kernel: { ratio: number[][]; symmetric: number[][]; norm: number[][] } }[];
  };

  test("has two states on one scale, each cell with its prompts and its value at both", async () => {
    const page = show(result);
    const maps = screen.getAllByRole("application");
    expect(maps).toHaveLength(2);
    for (let i = 0; i < 3; i++) fireEvent.keyDown(maps[0]!, { key: "ArrowRight" });
    fireEvent.keyDown(maps[1]!, { key: "ArrowDown" });
    const [first, , last] = figures.states;
    expect(readout(page)).toContain(`untrained: ${figure(first!.kernel.symmetric[1]![2]!)}`);
    expect(readout(page)).toContain(`${last!.state}: ${figure(last!.kernel.symmetric[1]![2]!)}`);
    const [row, column] = [1, 2].map((i) => result.prompts[figures.measured[i]!]!);
    expect(readout(page)).toContain(row!.prompt);
    expect(readout(page)).toContain(column!.prompt);
    choose("Shown is", "ratio");
    expect(readout(page)).toContain(`untrained: ${figure(first!.kernel.ratio[1]![2]!)}`);
    scrub("Right state", 1);
    expect(readout(page)).toContain(`stage-0: ${figure(figures.states[1]!.kernel.ratio[1]![2]!)}`);
    const off = figures.states
      .slice(0, 2)
      .flatMap(({ kernel }) => kernel.ratio.flatMap((line, i) => line.filter((_, j) => i !== j)));
    expect(page.querySelector(".heat-scale")!.textContent).toContain(figure(Math.max(...off)));
    fireEvent.keyDown(maps[0]!, { key: "Enter" });
    expect(posted).toEqual([{ type: "openPrompt", file: row!.file, line: row!.line, id: row!.id }]);
    expect(await faults(page)).toEqual([]);
  });

  test("has means between groups with intervals, controls beside chance, and shares by layer", () => {
    show(result);
    expect(rows(/^Mean kernel between groups/)[1]).toEqual([
      ...["toxic × seemingly toxic", "29", "0.27 [0.24, 0.32]", "0.23 [0.24, 0.32]"],
    ]);
    expect(rows(/beside chance/).map((cells) => cells.slice(1))[0]).toEqual([
      ...["untrained", "0.11", "0.00 [−0.02, 0.02]", "0.002"],
    ]);
    expect(screen.getByRole("img", { name: /^Share of each layer in the kernel at untrained/ })).toBeTruthy();
    expect(rows("Shares of parts").at(-1)).toEqual(["outside the blocks", "0.02", "0.02"]);
  });

  test("of one state has one map", () => {
    show(exampleKernel(6, 1));
    expect(screen.getAllByRole("application")).toHaveLength(1);
    expect(screen.queryByRole("slider")).toBeNull();
  });
});

describe("the bound", () => {
  test("has both sides of each pair, and how tight it is between groups, by layer", async () => {
    const result = exampleBound();
    const page = show(result);
    fireEvent.keyDown(screen.getByRole("application"), { key: "ArrowRight" });
    const { pairs } = (
      result.figures as unknown as { states: { pairs: { left: number; right: number }[] }[] }
    ).states[0]!;
    expect(readout(page)).toContain(`Left ${Number(pairs[0]!.left.toPrecision(4))}`);
    expect(readout(page)).toContain(`right ${Number(pairs[0]!.right.toPrecision(4))}`);
    expect(rows(/^Means over pairs at layer 4/)[0]!.slice(0, 5)).toEqual([
      ...["toxic × toxic", "6", "12", "17.5", "0.52 (0.20, 0.90)"],
    ]);
    choose("Layer of the table", "2");
    expect(rows(/^Means over pairs at layer 2/)[0]![4]).toBe("0.46 (0.20, 0.90)");
    expect(rows("Gaps beside shuffled labels")[0]).toEqual(["Left side", "0.40", "[−0.10, 0.10]", "0.030"]);
    scrub("State", 1);
    expect(rows(/^How well features/).at(-1)).toEqual(["c_ℓ and Q_ℓ of the first state", "0.31"]);
    expect(screen.getByLabelText("Logarithmic axes")).toBeTruthy();
    expect(await faults(page)).toEqual([]);
  });
});

describe("predicted and measured changes", () => {
  const result = exampleDirection();

  test("of single steps: each point, slopes with intervals by group, spill-over and controls", async () => {
    const page = show(result);
    const { states } = result.figures as unknown as {
      states: { predicted: number[][]; rates: { rate: number; measured: number[][] }[] }[];
    };
    fireEvent.keyDown(screen.getByRole("application"), { key: "ArrowRight" });
    const small = states[0]!.rates.find(({ rate }) => rate === 0.001)!;
    expect(readout(page)).toContain(`predicted ${signed(0.001 * states[0]!.predicted[0]![0]!, "nats")}`);
    expect(readout(page)).toContain(`measured ${signed(small.measured[0]![0]!, "nats")}`);
    expect(rows(/^How well predicted/)[0]).toEqual([
      ...["all prompts", "144", "0.93 [0.83, 1.03]", "0.90 [0.80, 1.00]", "0.88"],
    ]);
    choose("Learning rate of the step", "0.01");
    expect(rows(/^How well predicted/)[0]![2]).toBe("0.75 [0.65, 0.85]");
    expect(rows(/^Spill-over/)[1]).toEqual(["General, log-odds", "0.10 [0.00, 0.20]", "–"]);
    expect(rows("Controls")[2]![1]).toBe("0.0012 and 0.21 nats");
    expect(await faults(page)).toEqual([]);
  });

  test("of training between two states", () => {
    show(result);
    choose("Changes by", "strides");
    expect(screen.getByText("untrained to stage-0")).toBeTruthy();
    expect(screen.getByText(/mean 0.02, 97.5 % quantile 0.09/)).toBeTruthy();
    expect(rows(/^Spill-over/)).toHaveLength(2);
  });
});

describe("the influence", () => {
  const result = exampleInfluence();

  test("lists pairs with their contributions; they are opened, marked and left out of another run", async () => {
    const page = show(result);
    const towards = within(screen.getByRole("region", { name: "Towards refusal" })).getAllByRole("listitem");
    expect(towards.map((item) => item.querySelector("strong")!.textContent)).toEqual([
      "+0.400",
      "+0.320",
      "+0.240",
    ]);
    const away = within(screen.getByRole("region", { name: "Away from refusal" })).getAllByRole("listitem");
    expect(away[0]!.textContent).toContain("−0.180");
    fireEvent.click(within(away[0]!).getByRole("button", { name: "safety.jsonl:2" }));
    const run = screen.getByRole("button", { name: /^Run Again Without These/ }) as HTMLButtonElement;
    expect(run.disabled).toBe(true);
    fireEvent.click(within(towards[1]!).getByRole("checkbox"));
    fireEvent.click(within(away[1]!).getByRole("checkbox"));
    fireEvent.click(run);
    expect(posted).toEqual([
      { type: "openPrompt", file: "safety.jsonl", line: 2, id: "t1" },
      { type: "excludePrompts", ids: ["t2", "t3"] },
    ]);
    expect(page.textContent).toContain("+3.100 and +3.500");
    expect(rows("Controls").map(([, value]) => value)).toEqual(["0.81", "60 %", "0.40"]);
    choose("Prompt", "2");
    expect(page.querySelector(".prompt-line")!.textContent).toContain("boil an egg");
    expect(await faults(page)).toEqual([]);
  });

  test("in a file is read alone", () => {
    show(result, true);
    expect(screen.queryByRole("button", { name: /^Run Again/ })).toBeNull();
    expect(
      within(screen.getByRole("region", { name: "Towards refusal" })).queryByRole("checkbox"),
    ).toBeNull();
  });
});
