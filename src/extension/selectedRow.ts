import { setTimeout as sleep } from "node:timers/promises";
import type * as vscode from "vscode";

/** Milliseconds that a click waits at most for rows that are being drawn anew, and between two looks at them. */
const patience = 5000;
const again = 25;

/**
 * The row that was clicked, for the command of a view's rows. Such a command takes no arguments: the editor forgets those of a row as soon as
 * the row is drawn anew, and a click then fails. From when the editor is told that rows have changed until it has asked for them again, which takes as
 * long as a message to a remote machine and back, it has no names for them either: a row is selected, and it is none that we know. A click waits for that.
 *
 * @returns undefined where several rows are selected, or none.
 */
export async function selectedRow<Row>(
  view: Pick<vscode.TreeView<Row>, "selection">,
): Promise<Row | undefined> {
  for (const end = performance.now() + patience; view.selection.length === 0 && performance.now() < end; )
    await sleep(again);
  const [row, ...others] = view.selection;
  return others.length === 0 ? row : undefined;
}
