import { parseLabel } from "../../dataset/columns.ts";
import type { Label } from "../../protocol/label.ts";
import type { Columns, Layout } from "../../protocol/source.ts";
import { count } from "../../wording/numbers.ts";
import { oneLine, wordState } from "./words.ts";

/** What a column of a prompt file may hold. */
export type ColumnRole = keyof Columns;

/** What columns may hold, in the order in which a person is asked, with a name and what it is for. */
export const columnRoles: readonly {
  readonly role: ColumnRole;
  readonly name: string;
  readonly what: string;
}[] = [
  { role: "prompt", name: "Prompt", what: "The text that is sent to the model" },
  { role: "label", name: "Label", what: "Toxic, seemingly toxic or general" },
  { role: "kind", name: "Category", what: "Why a prompt looks toxic, or its topic" },
  { role: "id", name: "Id", what: "What the file calls a prompt; counterparts are named by it" },
  { role: "split", name: "Split", what: "Train, validation, test" },
  { role: "counterpart", name: "Counterpart", what: "The id of the prompt that this one is matched with" },
  { role: "pair", name: "Pair name", what: "A name that both prompts of a matched pair have" },
  { role: "response", name: "Answer", what: "The answer that a model is trained on" },
  { role: "context", name: "Text before the prompt", what: "A part of the prompt that stands before it" },
  { role: "input", name: "Text below the prompt", what: "A part of the prompt that stands below it" },
];

/** Whether a person chose anything of how a file is read. */
export function isChosen(layout: Layout): boolean {
  return Object.keys(layout).length > 0;
}

/** A layout on one line, such as "prompt in “ask”, no label, “1” means toxic". */
export function layoutWords({ columns = {}, labelValues = {}, format, encoding }: Layout): string {
  const named = columnRoles.flatMap(({ role, name }) => {
    const column = columns[role];
    if (column === undefined) return [];
    return [
      column === null ? `no ${name.toLowerCase()}` : `${name.toLowerCase()} in “${oneLine(column, 40)}”`,
    ];
  });
  const values = Object.entries(labelValues).map(
    ([value, label]) => `“${oneLine(value, 20)}” means ${wordState(label)}`,
  );
  const about = format === undefined ? [] : [format === "own" ? "no published layout" : `layout ${format}`];
  return [...named, ...values, ...about, ...(encoding === undefined ? [] : [encoding])].join(", ");
}

/** What a line about a role says: its column, and whether a person chose it. */
export function roleWords(role: ColumnRole, layout: Layout, found: Columns): string {
  const column = found[role];
  const isOwn = layout.columns?.[role] !== undefined;
  if (column === undefined) return isOwn ? "none, chosen" : "none";
  return isOwn ? `“${oneLine(column, 40)}”, chosen` : `“${oneLine(column, 40)}”`;
}

/** The first texts of a column, on one line. */
export function samplesOf(rows: readonly Readonly<Record<string, string>>[], column: string): string {
  return rows
    .map((row) => oneLine(row[column] ?? "", 60))
    .filter((sample) => sample !== "")
    .slice(0, 2)
    .join("  ·  ");
}

/** A layout in which a role has this column: null for none, undefined for what is found by itself. */
export function withColumn(layout: Layout, role: ColumnRole, column: string | null | undefined): Layout {
  const { [role]: _, ...others } = layout.columns ?? {};
  // What values mean is said of one column.
  const { labelValues, ...rest } = layout;
  const keeps = role !== "label" && labelValues !== undefined;
  return {
    ...rest,
    columns: { ...others, ...(column !== undefined && { [role]: column }) },
    ...(keeps && { labelValues }),
  };
}

/** A value of a label column, how often it stands there, and what it means. */
export interface LabelValue {
  readonly value: string;
  readonly count: number;
  readonly label: Label | undefined;
}

/** What the values of a label column mean: as a person said, else by the words for labels. */
export function labelValues(
  values: readonly (readonly [value: string, count: number])[],
  { labelValues: said = {} }: Layout,
): LabelValue[] {
  return values.map(([value, number]) => ({
    value,
    count: number,
    label: Object.hasOwn(said, value) ? said[value] : parseLabel(value),
  }));
}

/** The values on one line, those that mean no label first, since something is to be done about them. */
export function labelValueWords(values: readonly LabelValue[]): string {
  if (values.length === 0) return "the column is empty";
  const words = values
    .toSorted((a, b) => Number(a.label !== undefined) - Number(b.label !== undefined))
    .slice(0, 4)
    .map(
      ({ value, count: number, label }) =>
        `“${oneLine(value, 20)}” (${count(number)}) ${label === undefined ? "no label" : wordState(label)}`,
    );
  const more = values.length - words.length;
  return [...words, ...(more > 0 ? [`${count(more)} more`] : [])].join(" · ");
}

/** A layout in which a value of the label column means a label, or what its word says. */
export function withLabelValue(layout: Layout, value: string, label: Label | undefined): Layout {
  const others = Object.entries(layout.labelValues ?? {}).filter(([other]) => other !== value);
  const said = Object.fromEntries(label === undefined ? others : [...others, [value, label]]);
  return { ...layout, labelValues: said };
}
