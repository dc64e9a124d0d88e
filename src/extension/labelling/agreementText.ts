import {
  type AgreementFigure,
  agreementClasses,
  type LabelAgreement,
  type Labelling,
} from "../../protocol/webview/labelAgreement.ts";
import { type Cell, csvText } from "../../wording/csv.ts";

const columns = [
  "figure",
  "first",
  "first_pass",
  "second",
  "second_pass",
  "label",
  "second_label",
  "n",
  "value",
  "lower",
  "upper",
];

/**
 * Agreement as a file: JSON as the panel has it, or CSV with a figure per row (`agreement`, `kappa`, `alpha`, `label_agreement`, and
 * `count` for the cells of confusion tables, of which `value` is the number of prompts).
 */
export function agreementText(found: LabelAgreement, format: "csv" | "json"): string {
  if (format === "json") return `${JSON.stringify({ labels: agreementClasses, ...found }, null, 2)}\n`;
  const rows: Cell[][] = [];
  const add = (
    figure: string,
    who: Cell[],
    labels: Cell[],
    n: number,
    { value, interval }: AgreementFigure,
  ) => rows.push([figure, ...who, ...labels, n, value, interval?.lower, interval?.upper]);
  if (found.everybody) {
    const { n, share, alpha, byClass } = found.everybody;
    const who = ["everybody", 1, "", ""];
    add("agreement", who, ["", ""], n, share);
    add("alpha", who, ["", ""], n, alpha);
    for (const [k, value] of byClass.entries()) {
      add("label_agreement", who, [agreementClasses[k], ""], n, { value });
    }
  }
  for (const { first, second, n, share, kappa, byClass, confusion } of [...found.people, ...found.retests]) {
    const who = [...cellsOf(first), ...cellsOf(second)];
    add("agreement", who, ["", ""], n, share);
    add("kappa", who, ["", ""], n, kappa);
    for (const [k, value] of byClass.entries()) {
      add("label_agreement", who, [agreementClasses[k], ""], n, { value });
    }
    for (const [a, row] of confusion.entries()) {
      for (const [b, value] of row.entries()) {
        add("count", who, [agreementClasses[a], agreementClasses[b]], n, { value });
      }
    }
  }
  return csvText([columns, ...rows]);
}

function cellsOf({ by, pass }: Labelling): Cell[] {
  return [by, pass];
}
