import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { ChoiceReading } from "../protocol/suiteDeclaration.ts";
import { chunksOfFile, textsOf, type Watch } from "./chunks.ts";
import { readDelimited } from "./delimited.ts";
import { promptId } from "./record.ts";
import { readRows } from "./rows.ts";
import { type Problem, type Row, type RowSink, scalarText, valueAt } from "./sink.ts";

/** A question of several choices. */
export interface ChoiceItem {
  /** Hash of question and choices. */
  readonly id: string;
  readonly question: string;
  readonly choices: readonly string[];
  /** Number of the right choice, from 0. */
  readonly answer: number;
  readonly category?: string;
  /** Name of its file, and its line there, or row where the format has no lines. */
  readonly source: string;
  readonly line: number;
}

/** The questions of a file, in its order, and the rows that are none. */
export interface ChoiceItems {
  readonly items: readonly ChoiceItem[];
  readonly problems: readonly (Problem & { readonly source: string })[];
}

/**
 * Reads questions of several choices: a file, or a folder with a CSV per subject without a header (question, the choices, the
 * letter of the answer; `anatomy_test.csv` is of the subject anatomy), as hendrycks/test publishes MMLU.
 *
 * @throws DiscernError as `readRows`; "column-missing" where no row has the columns that the suite names; "dataset-empty" where no row
 * is a question; the signal's reason.
 */
export async function readChoices(
  path: string,
  reading: ChoiceReading,
  watch: Watch = {},
): Promise<ChoiceItems> {
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const collected = isFolder
    ? await readSubjects(path, reading, watch)
    : await readFile(path, reading, watch);
  const items = collected.flatMap(({ items: each }) => each);
  if (items.length > 0) return { items, problems: collected.flatMap(({ problems }) => problems) };
  const [first] = collected.flatMap(({ problems }) => problems);
  throw new DiscernError(
    "dataset-empty",
    `${path} holds no question.${first === undefined ? "" : ` The first row: ${first.source}, line ${first.line}: ${first.message}.`}`,
  );
}

async function readFile(path: string, reading: ChoiceReading, watch: Watch): Promise<ChoiceItems[]> {
  const collector = new ChoiceCollector(path, reading);
  await readRows(path, collector, watch);
  return [collector.result()];
}

/** How a CSV per subject is read; the names are given here, since the files have no header. */
const headerless = { question: "question", choices: ["A", "B", "C", "D"], answer: "answer" };

async function readSubjects(folder: string, { trim }: ChoiceReading, watch: Watch): Promise<ChoiceItems[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".csv")).sort();
  const found: ChoiceItems[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const category = basename(name, ".csv").replace(/_(test|dev|val)$/, "");
    const collector = new ChoiceCollector(path, { ...headerless, trim }, category);
    await readDelimited(withHeader(textsOf(chunksOfFile(path, watch), name)), ",", collector);
    found.push(collector.result());
  }
  return found;
}

async function* withHeader(texts: AsyncIterable<string>): AsyncIterable<string> {
  yield `${[headerless.question, ...headerless.choices, headerless.answer].join(",")}\n`;
  yield* texts;
}

type Columns = Pick<ChoiceReading, "question" | "trim" | "choices" | "answer" | "labels" | "category">;

class ChoiceCollector implements RowSink {
  private readonly path: string;
  private readonly source: string;
  private readonly reading: Columns;
  private readonly category: string | undefined;
  private readonly items: ChoiceItem[] = [];
  private readonly problems: (Problem & { source: string })[] = [];
  private names: readonly string[] = [];
  private rows = 0;

  /** @param category that of every row, where the file's name says it. */
  constructor(path: string, reading: Columns, category?: string) {
    this.path = path;
    this.source = basename(path);
    this.reading = reading;
    this.category = category;
  }

  columns(names: string[]): void {
    this.names = names;
  }

  row(row: Row): void {
    this.rows++;
    const { question, answer, labels, category } = this.reading;
    const text = scalarText(valueAt(row, question));
    const choices = this.choicesOf(row);
    const names = labels === undefined ? undefined : listOf(valueAt(row, labels));
    const right = answerNumber(scalarText(valueAt(row, answer))?.trim(), choices?.length ?? 0, names);
    const problem = this.problemOf(text, choices, right);
    if (problem !== null) {
      this.problem({ line: this.lineOf(row), message: problem });
      return;
    }
    const kind = this.category ?? (category === undefined ? undefined : scalarText(valueAt(row, category)));
    this.items.push({
      id: promptId([text!, ...choices!].join("\n")),
      question: this.reading.trim ? text!.trim() : text!,
      choices: choices!,
      answer: right!,
      ...(kind ? { category: kind } : {}),
      source: this.source,
      line: this.lineOf(row),
    });
  }

  problem({ line, message }: Problem): void {
    this.problems.push({ line, message, source: this.source });
  }

  /** @throws DiscernError "column-missing" where no row has a column of the question or of the answer. */
  result(): ChoiceItems {
    const { question, answer, choices } = this.reading;
    const wanted = [question, answer, ...[choices].flat()].map((path) => path.split(".")[0]!);
    const lacking = wanted.find((column) => !this.names.includes(column));
    if (this.rows > 0 && this.items.length === 0 && lacking !== undefined) {
      throw new DiscernError(
        "column-missing",
        `${this.path} lacks the column "${lacking}". Columns found: ${this.names.map((name) => `"${name}"`).join(", ")}.`,
      );
    }
    return { items: this.items, problems: this.problems };
  }

  private choicesOf(row: Row): readonly string[] | undefined {
    const { choices } = this.reading;
    if (typeof choices === "string") return listOf(valueAt(row, choices));
    const texts = choices.map((path) => scalarText(valueAt(row, path)));
    return texts.every((text) => text !== undefined) ? texts : undefined;
  }

  private problemOf(
    question: string | undefined,
    choices: readonly string[] | undefined,
    right: number | undefined,
  ): string | null {
    if (!question?.trim()) return "the question is empty";
    if (choices === undefined || choices.length < 2) return "it has fewer than two choices";
    return right === undefined ? "its answer is none of its choices" : null;
  }

  /** A CSV per subject was given a header line that its file has not. */
  private lineOf({ line }: Row): number {
    return this.category === undefined ? line : line - 1;
  }
}

/** A list of texts, or undefined. */
function listOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.map(scalarText);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** The number of the right choice: by its name among `names`, else a number from 0 or a letter from A; undefined where it is none. */
function answerNumber(
  answer: string | undefined,
  count: number,
  names: readonly string[] | undefined,
): number | undefined {
  if (answer === undefined || answer === "") return undefined;
  const number =
    names !== undefined
      ? names.indexOf(answer)
      : /^\d+$/.test(answer)
        ? Number(answer)
        : /^[A-Z]$/.test(answer)
          ? answer.charCodeAt(0) - 65
          : -1;
  return number >= 0 && number < count ? number : undefined;
}
