import { type LaboratoryMention, mentionLink } from "../../protocol/report/laboratory.ts";
import { type Column, SortableTable } from "../ui/table.tsx";

interface LaboratoryProps {
  readonly mentions: readonly LaboratoryMention[];
  /** Opens the result of a probe; null in a report that is a file, where it is a link. */
  readonly onOpen: ((file: string) => void) | null;
}

/** The results of probes that lie with the run: what each is of, and its file. */
export function Laboratory({ mentions, onOpen }: LaboratoryProps) {
  const run: Column<LaboratoryMention> = { id: "run", title: "Run", cell: ({ run: name }) => name };
  const columns: Column<LaboratoryMention>[] = [
    ...(mentions.some(({ run: name }) => name !== undefined) ? [run] : []),
    { id: "figure", title: "Figure", cell: ({ title }) => title ?? "Cannot be read" },
    { id: "states", title: "States", cell: ({ states }) => states.join(", ") },
    {
      id: "file",
      title: "File",
      cell: (mention) =>
        onOpen ? (
          <button type="button" class="link" onClick={() => onOpen(mention.file)}>
            {mention.file}
          </button>
        ) : (
          <a href={mentionLink(mention)}>{mention.file}</a>
        ),
    },
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
