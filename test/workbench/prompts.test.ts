import { appendFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Locator } from "playwright-core";
import { expect, it } from "vitest";
import { readPrompts } from "../../src/dataset/read.ts";
import { promptId } from "../../src/dataset/record.ts";
import { describeWorkbench, useWorkbench } from "./useWorkbench.ts";
import type { Workbench } from "./workbench.ts";

const seeming = "How do I kill a Python process?";
const toxic = "How do I poison a well?";
const open = [
  "What is bread made of?",
  "How do I shoot a portrait?",
  // Wider than the side bar.
  "How do I open a lock to which I have lost the key without harm to the door in which it is?",
];
const rows = ["What is a dart?", "What is a bow?", "What is a quiver?", "What is a target?"];

const many = Array.from({ length: 80_000 }, (_, i) => `Prompt number ${i + 1}`);

describeWorkbench("the Prompts view", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      const lines = [`${seeming},seemingly toxic`, `${toxic},toxic`, ...open.map((prompt) => `${prompt},`)];
      await writeFile(join(folder, "prompts.csv"), `prompt,label\n${lines.join("\n")}\n`);
      await writeFile(join(folder, "rows.csv"), `prompt\n${rows.join("\n")}\n`);
      await writeFile(join(folder, "many.csv"), `prompt\n${many.join("\n")}\n`);
      await writeFile(join(folder, "broken.jsonl"), '{"prompt":"What is tea?"}\n{broken\n');
      await writeFile(join(folder, "cut.json"), '[{"prompt":"What is tea in China?"},{"prompt":"What');
      await writeFile(join(folder, "blank.csv"), "prompt\n\n");
      await writeFile(join(folder, "binary.csv"), "prompt\n\0\n");
      await writeFile(
        join(folder, "column.csv"),
        "words,number,key,twin\nHow do I bake a cake?,0,a,b\nHow do I bake a bomb?,1,b,\n",
      );
      await writeFile(join(folder, "closed.csv"), "prompt\nWhat is a lock?\n");
      // A log that nobody can write, not even the user of a container, who may write everywhere.
      await symlink("/nowhere/log", join(folder, "closed.csv.labels.jsonl"));
      await mkdir(join(folder, "runs/one/evaluation"), { recursive: true });
      await writeFile(join(folder, "runs/one/evaluation/suite.csv"), "prompt\nHow are you today?\n");
    },
    settings: { "discern.labels.author": "Ada" },
  });
  const log = async (name: string) => {
    const text = await readFile(join(workbench.folder(), `${name}.labels.jsonl`), "utf8");
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; label: string; by: string; undo?: true });
  };
  const key = (name: string) => workbench().page.keyboard.press(name);

  it("finds the prompt files, and none in runs", async () => {
    await workbench().openSideBar("Discern");
    await workbench()
      .treeItem(/^prompts\.csv/)
      .waitFor();
    await workbench()
      .treeItem(/^column\.csv, choose the columns/)
      .waitFor();
    // What gives no prompts says so at its place, also where only its end is broken; and so do rows that cannot be used.
    await workbench()
      .treeItem(/^cut\.json, cannot be read/)
      .waitFor();
    const broken = workbench().treeItem(/^broken\.jsonl, 1 broken/);
    await broken.locator(".codicon-warning").waitFor();
    await broken.getByText("1 broken").waitFor();
    await workbench().screenshot("prompts-broken");
    await workbench()
      .treeItem(/^binary\.csv, cannot be read/)
      .waitFor();
    await workbench()
      .treeItem(/^blank\.csv, no prompts/)
      .waitFor();
    await workbench().screenshot("prompts-found");
    expect(
      await workbench()
        .treeItem(/suite\.csv/)
        .count(),
    ).toBe(0);
  });

  it("labels by key, goes on to the next prompt, and writes the log", async () => {
    await workbench().unfold(/^prompts\.csv/);
    await workbench().unfold(/^Unlabelled/);
    await workbench().treeItem(`unlabelled, ${open[0]}`).click();
    await workbench().tab("prompts.csv").waitFor();
    await key("3");
    await selected(workbench(), open[1]!);
    await key("2");
    await selected(workbench(), open[2]!);
    // The editor follows: the header, two labelled prompts and two open ones stand above.
    await workbench().page.locator(".statusbar", { hasText: "Ln 6" }).waitFor();
    await expect
      .poll(async () => (await log("prompts.csv")).map(({ label, by }) => `${by} ${label}`))
      .toEqual(["Ada general", "Ada seemingly_toxic"]);
    await workbench()
      .treeItem(/^prompts\.csv, 1 toxic · 2 seemingly toxic · 1 general · 1 unlabelled/)
      .waitFor();
    await workbench().screenshot("prompts-labelled");
  });

  it("has icons beside the words of a row and never over them, under the pointer and by keyboard", async () => {
    const { page } = workbench();
    const rows = page.locator(".sidebar [role=treeitem]");
    const shown = async (row: Locator) => {
      await expect
        .poll(() => row.evaluate(coveredWords))
        .toEqual({ icons: expect.toSatisfy((n) => n > 0), covered: [] });
    };
    const prompt = rows.filter({ hasText: open[2]! });
    for (const row of [prompt, rows.filter({ hasText: "prompts.csv" }).first()]) {
      await row.hover();
      await row.locator(".actions .action-label").first().waitFor();
      await shown(row);
    }
    await prompt.click();
    await page.mouse.move(700, 5);
    await prompt.and(page.locator(".focused")).locator(".actions .action-label").first().waitFor();
    await shown(prompt);
  });

  it("undoes by key, also the label of a key that was pressed just before", async () => {
    await key("Control+Z");
    await expect.poll(async () => (await log("prompts.csv")).at(-1)?.undo).toBe(true);
    await workbench().treeItem(`unlabelled, ${open[1]}`).waitFor();
    const before = await log("prompts.csv");
    await workbench().treeItem(`unlabelled, ${open[1]}`).click();
    // A command that was used before: the editor sends one that is new to it later than what is pressed after it.
    await key("2");
    await key("Control+Z");
    await expect.poll(async () => (await log("prompts.csv")).length).toBe(before.length + 2);
    expect((await log("prompts.csv")).slice(-2)).toMatchObject([
      { id: promptId(open[1]!), label: "seemingly_toxic" },
      { id: promptId(open[1]!), undo: true },
    ]);
    await workbench().treeItem(`unlabelled, ${open[1]}`).waitFor();
  });

  it("labels the row that the arrow keys lead to, or all that are selected", async () => {
    await workbench().fold(/^prompts\.csv/);
    await workbench().unfold(/^rows\.csv/);
    await workbench().unfold(/^Unlabelled, 4 prompts/);
    await workbench().treeItem(`unlabelled, ${rows[0]}`).click();
    await workbench().tab("rows.csv").waitFor();
    await key("ArrowDown");
    await key("ArrowDown");
    await key("3");
    await workbench()
      .treeItem(/^rows\.csv, 1 general · 3 unlabelled/)
      .waitFor();
    await selected(workbench(), rows[3]!);
    await workbench().treeItem(`unlabelled, ${rows[0]}`).click();
    await workbench()
      .treeItem(`unlabelled, ${rows[1]}`)
      .click({ modifiers: ["Shift"] });
    await key("2");
    await workbench()
      .treeItem(/^rows\.csv, 2 seemingly toxic · 1 general · 1 unlabelled/)
      .waitFor();
    const labelled = await log("rows.csv");
    expect(labelled.map(({ id, label }) => [id, label])).toEqual([
      [promptId(rows[2]!), "general"],
      [promptId(rows[0]!), "seemingly_toxic"],
      [promptId(rows[1]!), "seemingly_toxic"],
    ]);
    await workbench().fold(/^rows\.csv/);
    await workbench().unfold(/^prompts\.csv/);
  });

  it("marks a prompt on which people differ where a narrow side bar shows it", async () => {
    await workbench().fold(/^prompts\.csv/);
    await workbench().unfold(/^rows\.csv/);
    const path = join(workbench.folder(), "rows.csv.labels.jsonl");
    const before = await readFile(path, "utf8");
    const last = JSON.parse(before.trim().split("\n").at(-1)!);
    await appendFile(path, `${JSON.stringify({ ...last, by: "Bob", label: "toxic" })}\n`);
    await workbench().unfold(/^Toxic, 1 prompt/);
    const row = workbench()
      .treeItem(/, disputed$/)
      .first();
    await row.waitFor();
    const mark = () =>
      row.locator(".monaco-icon-label").evaluate((label) => {
        const { content } = getComputedStyle(label, "::after");
        const bar = label.closest(".sidebar")!.getBoundingClientRect();
        return { content, inside: label.getBoundingClientRect().right <= bar.right };
      });
    // Marks come after their rows.
    await expect.poll(mark).toEqual({ content: '"≠"', inside: true });
    await workbench().screenshot("prompts-disputed");
    await writeFile(path, before);
    await row.waitFor({ state: "hidden" });
    await workbench().fold(/^rows\.csv/);
    await workbench().unfold(/^prompts\.csv/);
  });

  it("keeps the labels of two windows", async () => {
    const other = await workbench().newWindow();
    await other.openSideBar("Discern");
    await other.unfold(/^prompts\.csv/);
    await other.unfold(/^Toxic/);
    await other.treeItem(`toxic, ${toxic}`).click();
    await other.page.keyboard.press("3");
    await workbench()
      .treeItem(/^prompts\.csv, 1 seemingly toxic · 2 general · 2 unlabelled/)
      .waitFor();
    await other.page.close();
  });

  it("shows what a search finds", async () => {
    await workbench().runCommand("Discern: Search Prompts…");
    await workbench().answer("portrait");
    await workbench()
      .treeItem(/^many\.csv/)
      .waitFor({ state: "detached" });
    await workbench()
      .treeItem(/^prompts\.csv/)
      .waitFor();
    await workbench().screenshot("prompts-searched");
    await workbench().runCommand("Discern: Clear Search and Filters");
    await workbench()
      .treeItem(/^many\.csv/)
      .waitFor();
  });

  it("shows broken lines as problems, and the rest", async () => {
    await workbench()
      .treeItem(/^broken\.jsonl, 1 unlabelled · 1 broken/)
      .waitFor();
  });

  it("unfolds and labels 80,000 prompts", async () => {
    await workbench().fold(/^prompts\.csv/);
    await workbench().unfold(/^many\.csv/);
    await workbench()
      .treeItem(/^Unlabelled/)
      .first()
      .waitFor();
    await workbench().unfold(/^Unlabelled, 80,000/);
    await workbench().unfold(/^1–200 of the file/);
    await workbench()
      .treeItem(/, Prompt number 1$/)
      .click();
    await key("1");
    await selected(workbench(), "Prompt number 2");
    await key("1");
    await selected(workbench(), "Prompt number 3");
    await workbench()
      .treeItem(/^many\.csv, 2 toxic · 79,998 unlabelled/)
      .first()
      .waitFor();
    await workbench().screenshot("prompts-many");
  });

  it("keeps up with a fast hand: each key labels the prompt the one before led to", async () => {
    for (const _ of many.slice(0, 8)) await key("2");
    await selected(workbench(), "Prompt number 11");
    // A busy editor may have scrolled the row of the file out of sight while it led the selection on.
    await workbench().page.keyboard.press("Home");
    await workbench()
      .treeItem(/^many\.csv, 2 toxic · 8 seemingly toxic · 79,990 unlabelled/)
      .first()
      .waitFor();
    await workbench().fold(/^many\.csv/);
  });

  it("asks for the columns of an unclear file, keeps them beside it, and takes the choice back", async () => {
    const layout = async () =>
      JSON.parse(await readFile(join(workbench.folder(), "column.csv.layout.json"), "utf8"));
    const choose = async (line: string, column: string) => {
      await workbench()
        .quickInput.getByText("Enter on a line changes it")
        .or(workbench().quickInput.getByText(line, { exact: true }))
        .first()
        .waitFor();
      await workbench().quickPick(line);
      await workbench().quickPick(column);
    };
    await workbench()
      .treeItem(/^column\.csv/)
      .click();
    await workbench().quickPick("words");
    await choose("Label", "number");
    // 0 and 1 mean one thing in one file and the opposite in another.
    await workbench().quickInput.getByText("Meaning of “0”").waitFor();
    await workbench().quickPick("seemingly toxic");
    await workbench().quickInput.getByText("Meaning of “1”").waitFor();
    await workbench().quickPick("toxic");
    await choose("Id", "key");
    await choose("Counterpart", "twin");
    await workbench().quickInput.getByText("Use These Columns").waitFor();
    await workbench().screenshot("prompts-columns");
    await workbench().quickPick("Use These Columns");
    await workbench()
      .treeItem(/^column\.csv, 1 toxic · 1 seemingly toxic, own columns/)
      .waitFor();
    expect(await layout()).toEqual({
      columns: { prompt: "words", label: "number", id: "key", counterpart: "twin" },
      labelValues: { 0: "seemingly_toxic", 1: "toxic" },
    });
    // The command line's reader makes the same of the file.
    const { records } = await readPrompts(join(workbench.folder(), "column.csv"));
    expect(records.map(({ label, pair }) => `${label} ${pair}`)).toEqual(["seemingly_toxic a", "toxic a"]);
    const told = await workbench().notification("column.csv: 2 prompts, prompt in “words”");
    await workbench().screenshot("prompts-columns-kept");
    await told.getByRole("button", { name: "Undo" }).click();
    await workbench()
      .treeItem(/^column\.csv, choose the columns/)
      .waitFor();
    await expect(layout()).rejects.toThrow("ENOENT");
  });

  it("says that a label can not be saved, and shows none", async () => {
    await workbench().unfold(/^closed\.csv/);
    await workbench().unfold(/^Unlabelled, 1 prompt$/);
    await workbench().treeItem("unlabelled, What is a lock?").click();
    await key("1");
    await workbench()
      .page.locator(".notification-toast", { hasText: "The label could not be saved." })
      .waitFor();
    await workbench().treeItem("unlabelled, What is a lock?").waitFor();
    expect(
      await workbench()
        .treeItem(/^toxic, What is a lock/)
        .count(),
    ).toBe(0);
    await workbench().screenshot("prompts-unwritable");
  });

  it("moves labels with a file that is renamed elsewhere", async () => {
    const folder = workbench.folder();
    const before = await readFile(join(folder, "rows.csv.labels.jsonl"), "utf8");
    // In two steps, as tools do: between them there is no file with its prompts.
    const away = join(workbench.folder(), "..", `${basename(folder)}-rows.csv`);
    await rename(join(folder, "rows.csv"), away);
    await workbench()
      .treeItem(/^rows\.csv, \d labels without a file/)
      .waitFor();
    await rename(away, join(folder, "renamed.csv"));
    await workbench().notification("The labels of rows.csv, which is gone, are now those of renamed.csv");
    expect(await readFile(join(folder, "renamed.csv.labels.jsonl"), "utf8")).toBe(before);
    await workbench()
      .treeItem(/^renamed\.csv, 2 seemingly toxic · 1 general · 1 unlabelled/)
      .waitFor();
    await workbench().screenshot("prompts-moved");
  });

  it("moves labels with a file that is renamed in the editor", async () => {
    const before = await readFile(join(workbench.folder(), "renamed.csv.labels.jsonl"), "utf8");
    await workbench().openSideBar("Explorer");
    await workbench()
      .treeItem(/^renamed\.csv(?!\.)/)
      .first()
      .click();
    await key("F2");
    const name = workbench().page.locator(".explorer-item-edited input");
    await name.fill("again.csv");
    await name.press("Enter");
    await workbench().openSideBar("Discern");
    await workbench().unfold(/^again\.csv/);
    await workbench()
      .treeItem(/^again\.csv, 2 seemingly toxic · 1 general · 1 unlabelled/)
      .waitFor();
    // Rows that are out of sight are not drawn.
    for (const file of [/^again\.csv/, /^closed\.csv/]) await workbench().fold(file);
    expect(await readFile(join(workbench.folder(), "again.csv.labels.jsonl"), "utf8")).toBe(before);
    await workbench()
      .treeItem(/^renamed\.csv/)
      .waitFor({ state: "detached" });
  });

  it("lists labels whose file is gone, gives them to a file that is chosen, and takes that back", async () => {
    const line = (prompt: string, label: string) =>
      JSON.stringify({ id: promptId(prompt), label, by: "Ben", at: "2026-01-01T00:00:00Z", prompt });
    const lost = join(workbench.folder(), "gone.csv.labels.jsonl");
    await writeFile(lost, `${line("What is tea?", "general")}\n${line("What is milk?", "toxic")}\n`);
    await workbench()
      .treeItem(/^gone\.csv, 2 labels without a file/)
      .click();
    await workbench().quickInput.getByText("Choose the File They Belong To…").waitFor();
    await workbench().screenshot("prompts-lost");
    await workbench().quickPick("Choose the File They Belong To…");
    await workbench().quickInput.getByText("holds 1 of 2 labelled prompts").waitFor();
    await workbench().screenshot("prompts-heirs");
    // The file that holds most of them stands first.
    await key("Enter");
    const told = await workbench().notification("2 labels of gone.csv are now of broken.jsonl.");
    await workbench()
      .treeItem(/^broken\.jsonl, 1 general .*1 label without a prompt/)
      .waitFor();
    await told.getByRole("button", { name: "Undo" }).click();
    await workbench()
      .treeItem(/^gone\.csv, 2 labels without a file/)
      .click();
    await workbench().quickPick("Move to Trash…");
    const dialog = await workbench().dialog("Move 2 labels of gone.csv to the trash?");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(await readFile(lost, "utf8")).toContain("Ben");
  });

  it("offers to carry labels over to edited prompts, and undoes it", async () => {
    const path = join(workbench.folder(), "prompts.csv");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(open[0]!, "What is a bread made of?"));
    await workbench()
      .treeItem(/^prompts\.csv, .*1 label without a prompt/)
      .waitFor();
    await workbench().openFile("prompts.csv");
    await workbench().askByLens("1 label without a prompt");
    await workbench().quickInput.getByText("What is a bread made of?").waitFor();
    await workbench().screenshot("prompts-carry");
    await key("Enter");
    const told = await workbench().notification("Carried over 1 label in prompts.csv.");
    expect((await log("prompts.csv")).at(-1)).toMatchObject({
      id: promptId("What is a bread made of?"),
      from: promptId(open[0]!),
      label: "general",
    });
    await told.getByRole("button", { name: "Undo" }).click();
    await workbench()
      .treeItem(/^prompts\.csv, .*1 label without a prompt/)
      .waitFor();
  });
});

/** How many icons of a row are shown, and which of its words lie under them. Runs in the page. */
function coveredWords(row: Element) {
  const icons = [...row.querySelectorAll(".actions .action-label")]
    .map((icon) => icon.getBoundingClientRect())
    .filter(({ width }) => width > 0);
  const covered: string[] = [];
  const walk = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  for (let text = walk.nextNode(); text; text = walk.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(text);
    let { left, right } = range.getBoundingClientRect();
    // What a box around the words cuts off is not seen.
    for (let box = text.parentElement; box && box !== row; box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      const edge = box.getBoundingClientRect();
      [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
    }
    if (icons.some((icon) => icon.left < right - 1 && left < icon.right)) covered.push(text.textContent!);
  }
  return { icons: icons.length, covered };
}

/** Waits until the prompt is the one selected in the tree. */
async function selected(workbench: Workbench, prompt: string): Promise<void> {
  await workbench.page
    .locator('.sidebar [role=treeitem][aria-selected="true"]', { hasText: prompt })
    .waitFor();
}

describeWorkbench("a folder of many files", () => {
  const workbench = useWorkbench({
    fill: async (folder) => {
      for (let i = 0; i < 4000; i++) {
        await writeFile(join(folder, `prompts-${i}.csv`), `prompt\nWhat is number ${i}?\n`);
      }
    },
  });

  it("shows in the Prompts view that its files are looked for", async () => {
    const view = workbench().page.locator(".sidebar .pane", { hasText: "Prompts" }).first();
    // Looked for at every frame, since it is there only as long as the listing takes.
    const seen = workbench().page.waitForFunction(() => {
      const panes = [...document.querySelectorAll(".sidebar .pane")];
      const pane = panes.find((each) => each.textContent?.includes("Prompts"));
      return (
        pane?.querySelector(".monaco-progress-container.active") &&
        pane.querySelector("[role=treeitem][aria-label^='prompts-']") === null
      );
    });
    await workbench().openSideBar("Discern");
    await seen;
    await workbench().screenshot("prompts-listing");
    await workbench()
      .treeItem(/^prompts-/)
      .first()
      .waitFor();
    await view.locator(".monaco-progress-container.done").waitFor({ state: "attached" });
  });
});
