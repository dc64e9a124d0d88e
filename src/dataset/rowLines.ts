import { visit } from "jsonc-parser";
import { isTooDeep } from "../protocol/nesting.ts";

/**
 * The 1-based line of a text of a .json prompt file on which a row starts, so that it can be shown. Of lists side by side
 * it is the line of the instruction.
 *
 * @param row 1-based, as `PromptRecord.line` gives it for .json
 * @returns undefined where the text has no such row, as after an edit
 */
export function lineOfRow(text: string, row: number): number | undefined {
  return rowLines(text)[row - 1];
}

/** The lines of all rows, as `lineOfRow` gives them: one pass over the text where many are asked for. */
export function rowLines(text: string): number[] {
  const lines: number[] = [];
  if (isTooDeep(text)) return lines;
  /** Depth of the list whose members are rows: 1 in a plain list, 2 in `{"instructions": […]}`. */
  let list: number | undefined;
  let depth = 0;
  let property = "";
  const value = (line: number) => {
    if (depth === list) lines.push(line + 1);
  };
  visit(text, {
    onObjectBegin: (_offset, _length, line) => {
      value(line);
      depth++;
    },
    onObjectProperty: (name) => {
      if (depth === 1) property = name;
    },
    onObjectEnd: () => {
      depth--;
    },
    onArrayBegin: (_offset, _length, line) => {
      value(line);
      depth++;
      if (depth === 1 || (depth === 2 && list === undefined && property === "instructions")) list = depth;
    },
    onArrayEnd: () => {
      // A list that has ended takes no more rows: another one may follow at its depth.
      if (depth === list) list = 0;
      depth--;
    },
    onLiteralValue: (_value, _offset, _length, line) => value(line),
  });
  return lines;
}
