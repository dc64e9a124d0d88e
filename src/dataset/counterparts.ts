import { JoinedGroups } from "./joinedGroups.ts";
import { shortened } from "./notices.ts";
import type { PromptRecord } from "./record.ts";
import type { Problem } from "./sink.ts";

/**
 * Makes matched pairs of prompts that name each other: a prompt says what the file calls its counterpart. Prompts that are joined over
 * several counterparts are one group, under the id of the first of them.
 */
export class Counterparts {
  /** Every id of the file, also of rows that are left out. */
  private readonly known = new Set<string>();
  private readonly byId = new Map<string, PromptRecord>();
  private readonly named: { readonly record: PromptRecord; readonly counterpart: string }[] = [];

  /** Takes note of what the file calls a row. */
  know(id: string): void {
    this.known.add(id);
  }

  /** Takes a prompt, and what it says its counterpart is called. */
  add(record: PromptRecord, counterpart: string | undefined): void {
    if (record.fileId !== undefined && !this.byId.has(record.fileId)) this.byId.set(record.fileId, record);
    if (counterpart !== undefined) this.named.push({ record, counterpart });
  }

  /**
   * Writes the pairs into the prompts.
   *
   * @param column that names the counterparts, for messages
   * @returns the prompts whose counterpart the file does not have, or that name themselves
   */
  pair(column: string): Problem[] {
    const groups = new JoinedGroups<PromptRecord>();
    const problems: Problem[] = [];
    const joined = new Set<PromptRecord>();
    for (const { record, counterpart } of this.named) {
      const other = this.byId.get(counterpart);
      if (other === undefined || other === record) {
        const why = other === record ? "is the prompt itself" : "is no id of the file";
        // A row that is left out by a filter is there, and nobody's fault.
        if (other !== undefined || !this.known.has(counterpart))
          problems.push({
            line: record.line,
            message: `the counterpart ${shortened(counterpart)} in the column ${shortened(column)} ${why}`,
          });
        continue;
      }
      joined.add(record).add(other);
      const [a, b] = [groups.first(record), groups.first(other)].sort((x, y) => x.line - y.line);
      groups.join(a!, b!);
    }
    for (const record of joined) {
      const top = groups.first(record);
      record.pair = top.pair ?? top.fileId ?? `line ${top.line}`;
    }
    return problems;
  }
}
