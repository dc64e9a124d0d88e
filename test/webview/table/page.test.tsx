// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/preact";
import axe from "axe-core";
import { act } from "preact/test-utils";
import { expect, test, vi } from "vitest";
import type { PromptRecord } from "../../../src/dataset/record.ts";
import type { Answer } from "../../../src/extension/evaluation/answers.ts";
import { type ShownColumn, TableSession } from "../../../src/extension/table/session.ts";
import type { TableFromPage, TableState, TableToPage } from "../../../src/protocol/webview/table.ts";
import { tableFromPageSchema } from "../../../src/protocol/webview/table.ts";
import { App } from "../../../src/webview/table/app.tsx";
import { help } from "../../../src/webview/table/keys.ts";
import { TablePage } from "../../../src/webview/table/pageModel.ts";
import { WithHelp } from "../../../src/webview/ui/help.tsx";
import { connectHost } from "../../../src/webview/ui/host.ts";
import { labelled, recordsOf } from "../../extension/labelling/files.ts";

/** The page in a DOM before the real session, on a file without a disk. */
class TableUnderTest {
  readonly sent: TableFromPage[] = [];
  readonly saved: string[] = [];
  readonly done: string[] = [];
  readonly judged: unknown[] = [];
  readonly questions: number[] = [];
  kept: TableState | undefined;
  readonly session: TableSession;
  file: ReturnType<typeof labelled>;
  refusal: Error | null = null;
  private listener: (event: MessageEvent) => void = () => {};
  private last: string[] = [];

  constructor(records: PromptRecord[], state?: TableState) {
    cleanup();
    this.file = labelled(records);
    // jsdom lays nothing out; the grid needs a height to know which rows are in sight.
    for (const [name, value] of Object.entries({ clientHeight: 600, clientWidth: 800, scrollHeight: 1e7 })) {
      Object.defineProperty(HTMLElement.prototype, name, { configurable: true, value });
    }
    HTMLElement.prototype.scrollTo = function (this: HTMLElement, to?: unknown) {
      this.scrollTop = (to as { top: number }).top;
      this.dispatchEvent(new Event("scroll"));
    };
    Object.assign(globalThis, {
      acquireVsCodeApi: () => ({
        postMessage: (message: TableFromPage & { type: string }) => {
          if ((message.type as string) === "ready") return;
          this.sent.push(tableFromPageSchema.parse(message));
          queueMicrotask(() => act(() => this.session.receive(message)));
        },
        getState: () => state,
        setState: (kept: TableState) => {
          this.kept = kept;
        },
      }),
    });
    this.session = new TableSession({
      post: (message) => this.tell(message),
      confirm: async (count) => {
        this.questions.push(count);
        return true;
      },
      label: async (ids, label) => {
        if (this.refusal) throw this.refusal;
        this.last = [...ids];
        for (const id of ids) this.file.decide({ id, label, by: "ada", at: new Date().toISOString() });
      },
      step: async () => {
        const ids = this.last.splice(0);
        for (const id of ids) {
          this.file.decide({ id, label: "skip", by: "ada", at: new Date(Date.now() + 1).toISOString() });
        }
        return new Set(ids);
      },
      reveal: async ({ line }) => void this.done.push(`reveal ${line}`),
      chooseMethod: async (column) => void this.done.push(`choose ${column}`),
      removeMethod: async (column) => void this.done.push(`remove ${column}`),
      judge: async (column, { id }, verdict) => void this.judged.push([column, id, verdict]),
      save: async (csv) => void this.saved.push(csv),
      do: async (what) => void this.done.push(what),
      wordError: (error) => (error as Error).message,
    });
    // The window would go on listening for the pages of earlier tests.
    const listen = vi.spyOn(window, "addEventListener").mockImplementation((_type, listener) => {
      this.listener = listener as (event: MessageEvent) => void;
    });
    const host = connectHost<TableToPage, TableFromPage, TableState>((message) => page.receive(message));
    listen.mockRestore();
    const page = new TablePage(host);
    render(
      <WithHelp help={help}>
        <App page={page} />
      </WithHelp>,
    );
  }

  async open(columns: ShownColumn[] = [], blur = false): Promise<this> {
    this.tell({ type: "settings", blur });
    this.show();
    act(() => this.session.showMethods(columns));
    await waitFor(() => expect(document.querySelector("[role=gridcell], .empty")).toBeTruthy());
    return this;
  }

  show(problems = 0): void {
    act(() => this.session.show({ path: "a.csv", prompts: this.file, problems }));
  }

  tell(message: TableToPage): void {
    act(() => this.listener(new MessageEvent("message", { data: message })));
  }

  press(key: string, modifiers: KeyboardEventInit = {}): void {
    fireEvent.keyDown(document.activeElement ?? document.body, { key, ...modifiers });
  }

  choose(select: string | RegExp, value: string): void {
    fireEvent.change(screen.getByRole("combobox", { name: select }), { target: { value } });
  }

  of<T extends TableFromPage["type"]>(type: T): (TableFromPage & { type: T })[] {
    return this.sent.filter((message) => message.type === type) as (TableFromPage & { type: T })[];
  }
}

const many = (n: number) =>
  Array.from({ length: n }, (_, i): PromptRecord => {
    return { id: `p${i}`, prompt: `Prompt ${i}?`, source: "a.csv", line: i + 2 };
  });
const pairs = recordsOf([
  { prompt: "Kill <b>a process</b>?", label: "seemingly_toxic", kind: "homonyms", split: "test", pair: "a" },
  { prompt: "Bake bread?", label: "general", kind: "cooking", split: "train" },
  { prompt: "Kill a person?", label: "toxic", kind: "homonyms", split: "train", pair: "a" },
]);

function column(title: string, answers: [number, "refused" | "complied", number][]): ShownColumn {
  const found = answers.map(([place, outcome, refusalProbability]): [string, Answer] => {
    const { id, prompt, label } = pairs[place]!;
    const answer = { id, prompt, suite: "s", unsafe: label === "toxic", response: `<i>${title} says</i>` };
    const judged = { by: title, outcome, judge: "string judge", verdicts: {}, refusalLogOdds: 0 };
    return [id, { ...answer, ...judged, refusalProbability } as Answer];
  });
  return { run: "dcr", title, answers: new Map(found) };
}
const methods = [
  column("untrained", [[0, "complied", 0.1]]),
  column("STL", [
    [0, "refused", 0.92],
    [2, "refused", 0.99],
  ]),
];

const rows = () =>
  screen.getAllByRole("row").flatMap((row) => row.querySelector("[role=gridcell].prompt")?.textContent ?? []);
const focused = () =>
  document.getElementById(screen.getByRole("grid").getAttribute("aria-activedescendant")!)!;
const lined = async (lines: string[]) => waitFor(() => expect(rows()).toEqual(lines));

/** Faults that axe finds. Colours need a real layout, and the toolkit's elements are only names in jsdom. */
async function faults(): Promise<string[]> {
  const { violations } = await axe.run(document.body, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

test("of 200,000 prompts the rows in sight are drawn and asked for, and no more", async () => {
  const page = await new TableUnderTest(many(200_000)).open();
  const grid = screen.getByRole("grid");
  expect(grid.getAttribute("aria-rowcount")).toBe("200001");
  await waitFor(() => expect(screen.getByText("Prompt 0?")).toBeTruthy());
  page.press("End");
  await waitFor(() => expect(screen.getByText("Prompt 199999?")).toBeTruthy());
  expect(focused().getAttribute("aria-rowindex")).toBe("200001");
  expect(screen.getAllByRole("row").length).toBeLessThan(80);
  expect(page.of("rows").flatMap(({ places }) => places).length).toBeLessThan(400);
});

test("a key labels the focused row and selects the next; undo selects what it restored", async () => {
  const page = await new TableUnderTest(many(5)).open();
  page.press("ArrowDown");
  page.press("1");
  await waitFor(() => expect(page.file.labelOf(page.file.records[1]!)).toBe("toxic"));
  expect(focused().textContent).toContain("Prompt 2?");
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Labelled toxic"));
  page.press("z", { ctrlKey: true });
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("Undone, 1 prompt"));
  expect(focused().textContent).toContain("Prompt 1?");
  page.refusal = new Error("The folder is read-only.");
  page.press("2");
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("The folder is read-only."));
});

test("shift selects rows that one key labels, and more than 200 are asked about", async () => {
  const page = await new TableUnderTest(many(300)).open();
  page.press("ArrowDown", { shiftKey: true });
  page.press("ArrowDown", { shiftKey: true });
  expect(screen.getByText("3 prompts selected")).toBeTruthy();
  page.press("3");
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("Labelled general, 3 prompts"));
  page.press("a", { ctrlKey: true });
  page.press("2");
  await waitFor(() => expect(page.questions).toEqual([300]));
});

test("heads sort, choices filter, and pairs stand together with what the filter leaves out", async () => {
  const page = await new TableUnderTest(pairs).open(methods);
  await lined(["Kill <b>a process</b>?", "Bake bread?", "Kill a person?"]);
  fireEvent.click(screen.getByTitle("Refusal probability of STL"));
  await lined(["Kill a person?", "Kill <b>a process</b>?", "Bake bread?"]);
  const sorted = document.querySelectorAll("[aria-sort=descending]");
  expect([...sorted].map(({ textContent }) => textContent)).toEqual(["P(refusal)"]);
  page.choose("Verdict of STL", "over-refused");
  await lined(["Kill <b>a process</b>?"]);
  expect(screen.getByText("over-refused")).toBeTruthy();
  page.press("t");
  await lined(["Kill <b>a process</b>?", "counterpart outside the filter: Kill a person?"]);
  page.press("a", { ctrlKey: true });
  page.press("1");
  await waitFor(() => expect(page.of("label").at(-1)?.places).toEqual([0]));
  fireEvent.click(await screen.findByText("Update list"));
  await waitFor(() => expect(screen.getByText("No prompt matches")).toBeTruthy());
  expect(await faults()).toEqual([]);
  fireEvent.click(screen.getByText("Show all prompts"));
  await lined(["Kill <b>a process</b>?", "Bake bread?", "Kill a person?"]);
});

test("Enter shows the details, in which keys judge, and all words are inert", async () => {
  const page = await new TableUnderTest(pairs).open(methods);
  page.press("Enter");
  const details = await screen.findByRole("complementary", { name: "Details" });
  await waitFor(() => expect(details.textContent).toContain("<i>STL says</i>"));
  expect(details.textContent).toContain("Counterpart, toxic");
  expect(details.querySelector("i, b")).toBeNull();
  page.press("p");
  await waitFor(() => expect(page.judged).toEqual([[1, pairs[0]!.id, "partial_refusal"]]));
  page.press("o");
  await waitFor(() => expect(page.done).toEqual(["reveal 2"]));
  expect(await faults()).toEqual([]);
  page.press("Escape");
  expect(screen.queryByRole("complementary")).toBeNull();
});

test("a file that is read anew keeps focus, selection and filter on its prompts", async () => {
  const page = await new TableUnderTest(many(100)).open();
  for (let i = 0; i < 3; i++) page.press("ArrowDown");
  page.press("ArrowDown", { shiftKey: true });
  page.file = labelled([...recordsOf([{ prompt: "New?" }]), ...many(100)]);
  page.show();
  await waitFor(() => expect(screen.getByText("New?")).toBeTruthy());
  await waitFor(() => expect(focused().textContent).toContain("Prompt 4?"));
  expect(screen.getByText("2 prompts selected")).toBeTruthy();
});

test("words are blurred but in the focused row, until B", async () => {
  const page = await new TableUnderTest(pairs).open([], true);
  await waitFor(() => expect(document.querySelectorAll("[data-veiled=true]")).toHaveLength(2));
  page.press("b");
  expect(document.querySelectorAll("[data-veiled=true]")).toHaveLength(0);
});

test("what is listed is exported, in the list's order and with the figures of its methods", async () => {
  const page = await new TableUnderTest(pairs).open(methods);
  page.choose("Category", "1");
  await lined(["Kill <b>a process</b>?", "Kill a person?"]);
  fireEvent.click(screen.getByRole("button", { name: "Export the list as CSV…" }));
  await waitFor(() => expect(page.saved).toHaveLength(1));
  expect(page.saved[0]!.split("\r\n")).toEqual([
    "line,prompt,label,category,split,pair,untrained (dcr): verdict,untrained (dcr): refusal probability,STL (dcr): verdict,STL (dcr): refusal probability",
    "2,Kill <b>a process</b>?,seemingly_toxic,homonyms,test,a,complied,0.1,refused,0.92",
    "4,Kill a person?,toxic,homonyms,train,a,,,refused,0.99",
    "",
  ]);
});

test("every state without rows says why and what can be done", async () => {
  const page = new TableUnderTest([]);
  expect(screen.getByText("Reading prompts…")).toBeTruthy();
  act(() => page.session.refuse({ message: "Not UTF-8: line 3.", why: "column", hasText: true }));
  expect(screen.getByText("Not UTF-8: line 3.")).toBeTruthy();
  fireEvent.click(screen.getByText("Choose Columns…"));
  await waitFor(() => expect(page.done).toEqual(["chooseColumn"]));
  page.show(2);
  expect(screen.getByText(/contains no prompt. 2 rows could not be used/)).toBeTruthy();
  const bare = await new TableUnderTest(pairs).open();
  fireEvent.click(screen.getByText("Evaluate with…"));
  await waitFor(() => expect(bare.done).toEqual(["evaluate"]));
  expect(await faults()).toEqual([]);
});

test("arrow keys on a header's edge make its column wider and narrower, which is kept; Enter takes that back", async () => {
  const page = await new TableUnderTest(pairs).open(methods);
  const edge = () => screen.getByRole("separator", { name: "Width of Label" });
  const tracks = () => screen.getAllByRole("row").map((row) => row.style.gridTemplateColumns.split(" ")[1]);
  const press = (key: string, shiftKey = false) => fireEvent.keyDown(edge(), { key, shiftKey });
  const own = tracks()[1];
  press("ArrowRight", true);
  press("ArrowRight", true);
  press("ArrowLeft");
  await waitFor(() => expect(new Set(tracks())).toEqual(new Set(["90px"])));
  expect(edge().getAttribute("aria-valuenow")).toBe("90");
  expect(page.kept!.widths).toEqual({ label: 90 });
  press("Home");
  await waitFor(() => expect(page.kept!.widths).toEqual({ label: 28 }));
  expect(await faults()).toEqual([]);
  press("Enter");
  await waitFor(() => expect(new Set(tracks())).toEqual(new Set([own])));
  expect(page.kept!.widths).toEqual({});

  await new TableUnderTest(pairs, { ...page.kept!, widths: { label: 150 } }).open(methods);
  await waitFor(() => expect(new Set(tracks())).toEqual(new Set(["150px"])));
});
