// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/preact";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { probeContracts } from "../../../src/protocol/probe/probes.ts";
import { type ProbeResult, probeTableCsv } from "../../../src/protocol/probe/result.ts";
import {
  type LaboratoryFromPage,
  type LaboratoryToPage,
  laboratoryFromPageSchema,
} from "../../../src/protocol/webview/laboratory.ts";
import { App } from "../../../src/webview/laboratory/app.tsx";
import { figureOf } from "../../../src/webview/laboratory/figures.ts";
import { initialState, reduce } from "../../../src/webview/laboratory/state.ts";
import { faults } from "../ui/axe.ts";
import { exampleProjection, exampleRefusal } from "./results.ts";

let posted: LaboratoryFromPage[];
beforeEach(() => {
  posted = [];
  // Pictures have a place to be pointed at, though boxes have no size here.
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 480, 394));
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const told = (result: ProbeResult, more: object = {}): LaboratoryToPage => ({
  ...{ type: "result", result, others: [], states: [], canMeasure: false },
  ...more,
});

function show(messages: readonly LaboratoryToPage[], isFile = false): Element {
  const post = (request: LaboratoryFromPage) => {
    laboratoryFromPageSchema.parse(request);
    posted.push(request);
  };
  const state = messages.reduce(reduce, initialState);
  return render(<App state={state} post={isFile ? null : post} />).container;
}

const texts = (elements: Iterable<Element>) => [...elements].map(({ textContent }) => textContent);

describe("a result", () => {
  test("says what was measured on what, with its caveats and its cost", async () => {
    const page = show([told(exampleRefusal())]);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Refusal by state");
    const facts = page.querySelector(".measured")!.textContent;
    expect(facts).toContain("dcr-stl, seed 3");
    expect(facts).toContain("9: 3 toxic, 3 seemingly toxic, 3 general");
    expect(facts).toContain("untrained, stage-0, stage-1-step-40");
    expect(within(screen.getByRole("region", { name: "Caveats" })).getAllByRole("listitem")).toHaveLength(1);
    const method = screen.getByRole("region", { name: "Method and cost" }).textContent;
    for (const words of ["75 s", "120 forward passes", "4,321 forward", "1.2 GB", "onnx 1.30.0"])
      expect(method).toContain(words);
    expect(await faults(page)).toEqual([]);
  });

  test("has its data as tables, which are exported by the host, or by the browser where it is a file", () => {
    const result = exampleRefusal();
    show([told(result)]);
    const table = screen.getByRole("table", { name: "Refusal of each prompt", hidden: true });
    expect(within(table).getAllByRole("row", { hidden: true })).toHaveLength(28);
    fireEvent.click(screen.getByRole("button", { name: /Export Data \(CSV\)/, hidden: true }));
    fireEvent.click(screen.getByRole("button", { name: "Export Data…" }));
    fireEvent.click(screen.getByRole("button", { name: "Export Page…" }));
    expect(posted).toEqual([
      { type: "exportData", table: "prompts" },
      { type: "exportData" },
      { type: "exportPage" },
    ]);
    cleanup();
    let saved: Blob | undefined;
    URL.createObjectURL = (blob) => {
      saved = blob as Blob;
      return "#saved";
    };
    URL.revokeObjectURL = () => {};
    show([told(result)], true);
    expect(screen.queryByRole("button", { name: "Export Page…" })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: /Export Data \(CSV\)/, hidden: true }));
    expect(saved?.size).toBe(new Blob([probeTableCsv(result.tables[0]!)]).size);
  });

  test("leads from an id in its data to the prompt's line", () => {
    const result = exampleRefusal();
    const { id, file, line } = result.prompts[0]!;
    show([told(result)]);
    fireEvent.click(screen.getAllByRole("button", { name: id, hidden: true })[0]!);
    expect(posted).toEqual([{ type: "openPrompt", file, line, id }]);
    cleanup();
    show([told(result)], true);
    expect(screen.queryByRole("button", { name: id, hidden: true })).toBeNull();
  });

  test("of a probe that is not known shows its tables and says so", async () => {
    const page = show([told({ ...exampleRefusal(), probe: "of-tomorrow", figures: { any: "thing" } })]);
    expect(screen.getByText(/does not know the probe “of-tomorrow”/)).toBeTruthy();
    expect(screen.getByRole("table", { name: "Refusal of each prompt" })).toBeTruthy();
    expect(await faults(page)).toEqual([]);
  });

  test("of every probe that there is has a figure", () => {
    for (const { id } of probeContracts) expect(figureOf(id), id).toBeDefined();
    expect(figureOf("of-tomorrow")).toBeUndefined();
  });

  test("that is damaged says so and opens as text; before there is one, the page says that it reads", () => {
    show([]);
    expect(screen.getByText("Reading the result…")).toBeTruthy();
    cleanup();
    show([{ type: "damaged", message: "x.probe.json is not the result of a probe." }]);
    expect(screen.getByRole("alert").textContent).toContain("is not the result of a probe");
    fireEvent.click(screen.getByRole("button", { name: "Open as Text" }));
    expect(posted).toEqual([{ type: "openAsText" }]);
  });

  test("is measured again with other options and states", async () => {
    const states = ["untrained", "stage-0", "stage-1-step-40", "stage-1"];
    const page = show([told(exampleRefusal(), { states, canMeasure: true })]);
    fireEvent.click(screen.getByLabelText("stage-0"));
    fireEvent.click(screen.getByLabelText("stage-1"));
    fireEvent.change(screen.getByLabelText("permutations"), { target: { value: "many" } });
    expect(screen.getByRole("alert").textContent).toContain("Not JSON: permutations");
    expect((screen.getByRole("button", { name: "Measure…" }) as HTMLButtonElement).disabled).toBe(true);
    expect(await faults(page)).toEqual([]);
    fireEvent.change(screen.getByLabelText("permutations"), { target: { value: "50" } });
    fireEvent.click(screen.getByRole("button", { name: "Measure…" }));
    expect(posted).toEqual([
      { type: "measure", options: { permutations: 50 }, states: ["untrained", "stage-1-step-40", "stage-1"] },
    ]);
  });

  test("leads to the other results of its run", () => {
    const other = {
      file: "b.probe.json",
      probe: "projection",
      title: "Projection of features",
      states: ["stage-0"],
    };
    show([told(exampleRefusal(), { others: [{ ...other, created: "2026-03-04T05:06:07.000Z" }] })]);
    fireEvent.change(screen.getByLabelText("Result"), { target: { value: "b.probe.json" } });
    expect(posted).toEqual([{ type: "openResult", file: "b.probe.json" }]);
  });
});

describe("the projection", () => {
  const result = exampleProjection();
  const plot = () => screen.getByRole("application");
  const key = (name: string, more: object = {}) => fireEvent.keyDown(plot(), { key: name, ...more });

  test("goes through states by the scrubber, and the figures beside it are that state's", async () => {
    const page = show([told(result)]);
    expect(await faults(page)).toEqual([]);
    const row = () => {
      const table = screen.getByRole("table", { name: /^Separation of groups/ });
      return texts(within(within(table).getAllByRole("row")[1]!).getAllByRole("cell"));
    };
    expect(row()).toEqual(["Variance between groups, picture", "40 %", "4 % (11 %)", "20 % (31 %)"]);
    fireEvent.input(screen.getByRole("slider", { name: "State" }), { target: { value: "2" } });
    expect(screen.getByRole("slider", { name: "State" }).getAttribute("aria-valuetext")).toBe(
      "stage-1-step-40",
    );
    expect(row()).toEqual(["Variance between groups, picture", "60 %", "4 % (11 %)", "20 % (31 %)"]);
    fireEvent.change(screen.getByLabelText("Picture"), { target: { value: "umap" } });
    expect(row().at(-1)).toBe("–");
    expect(page.textContent).toContain("distances between clusters do not");
  });

  test("a point is looked at by the arrow keys, opened by Enter, selected by Space", () => {
    const page = show([told(result)]);
    key("ArrowRight");
    const words = () => page.querySelector(".readout .words")!.textContent;
    const first = words();
    key("ArrowRight");
    expect(words()).not.toBe(first);
    key("Enter");
    const at = result.prompts.find(({ prompt }) => prompt === words())!;
    expect(posted).toEqual([{ type: "openPrompt", file: at.file, line: at.line, id: at.id }]);
    key(" ");
    key("ArrowUp", { shiftKey: true });
    const selection = screen.getByRole("region", { name: "Selected prompts" });
    expect(within(selection).getAllByRole("listitem")).toHaveLength(2);
    expect(selection.textContent).toContain(at.prompt);
    key("Escape");
    expect(screen.queryByRole("region", { name: "Selected prompts" })).toBeNull();
  });

  test("a lasso selects what it holds", () => {
    show([told(result)]);
    const corners = [
      [0, 0],
      [480, 0],
      [480, 394],
      [0, 394],
    ] as const;
    fireEvent.pointerDown(plot(), { clientX: 0, clientY: 0, button: 0, pointerId: 1 });
    for (const [clientX, clientY] of corners.slice(1)) fireEvent.pointerMove(plot(), { clientX, clientY });
    fireEvent.pointerUp(plot(), { clientX: 0, clientY: 394 });
    expect(screen.getByRole("region", { name: "Selected prompts" }).textContent).toContain(
      "30 prompts selected",
    );
  });

  test("is coloured by group, category, source and refusal; what a legend hides is gone", () => {
    show([told(result)]);
    const marks = () => document.querySelectorAll(".marks").length;
    const legend = () => texts(screen.getAllByTitle("Hide or show"));
    expect(legend()).toEqual(["toxic 10", "seemingly toxic 10", "general 10"]);
    fireEvent.click(screen.getByRole("button", { name: /^general/ }));
    expect(plot().getAttribute("aria-label")).toContain("20 prompts at untrained");
    fireEvent.change(screen.getByLabelText("Colour by"), { target: { value: "category" } });
    expect(legend()).toHaveLength(5);
    expect(marks()).toBe(5);
    fireEvent.change(screen.getByLabelText("Colour by"), { target: { value: "source" } });
    expect(legend()).toEqual(["pairs.csv 20", "general.jsonl 10"]);
    fireEvent.change(screen.getByLabelText("Colour by"), { target: { value: "refusal" } });
    expect(legend()[0]).toMatch(/^refusal probability below 0.10/);
    fireEvent.change(screen.getByLabelText("Colour by"), { target: { value: "verdict" } });
    expect(legend()).toEqual(["refused 10", "complied 10", "undetermined 10"]);
  });

  test("draws 5,000 prompts as a path for each style", () => {
    show([told(exampleProjection(5000, 2))]);
    expect(document.querySelectorAll(".scatter path").length).toBeLessThan(12);
    expect(plot().getAttribute("aria-label")).toContain("5,000 prompts");
  });

  test("toxic words are blurred until one does not want it", () => {
    const page = show([told(result)]);
    key("ArrowRight");
    key(" ");
    const blurred = () => page.querySelectorAll(".words.blurred").length;
    expect(blurred()).toBeGreaterThan(0);
    fireEvent.click(screen.getByLabelText("Blur toxic prompts"));
    expect(blurred()).toBe(0);
  });
});
