import { type LaboratoryMention, mentionLink } from "../../protocol/report/laboratory.ts";
import { type Column, SortableTable } from "../ui/table.tsx";

/** In a report that is a file: what each result of a probe that lies with the run is of, and a link to it. */
export function LaboratoryLinks({ mentions }: { mentions: readonly LaboratoryMention[] }) {
  const run: Column<LaboratoryMention> = { id: "run", title: "Run", cell: ({ run: name }) => name };
  const columns: Column<LaboratoryMention>[] = [
    ...(mentions.some(({ run: name }) => name !== undefined) ? [run] : []),
    { id: "figure", title: "Figure", cell: ({ title }) => title ?? "Cannot be read" },
    { id: "states", title: "States", cell: ({ states }) => states.join(", ") },
    { id: "file", title: "File", cell: (mention) => <a href={mentionLink(mention)}>{mention.file}</a> },
  ];
  return (
    <SortableTable
      caption="Results of the laboratory that lie with the run"
      columns={columns}
      rows={mentions}
      keyOf={({ file }) => file}
    />
  );
}
