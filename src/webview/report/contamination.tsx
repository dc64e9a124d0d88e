import type { Figures } from "../../protocol/webview/report.ts";
import { SortableTable } from "./table.tsx";
import { Words } from "./words.tsx";

/** Prompts of suites that are, or nearly are, training prompts; nothing where there are none. */
export function Contamination({ figures: { contamination }, blur }: { figures: Figures; blur: boolean }) {
  if (contamination.length === 0) return null;
  return (
    <SortableTable
      caption="Evaluated prompts that are, or nearly are, training prompts"
      rows={contamination}
      keyOf={({ evaluation, training }) => `${evaluation}\n${training}`}
      columns={[
        {
          id: "similarity",
          title: "Similarity",
          number: true,
          sort: ({ similarity }) => similarity,
          cell: ({ similarity }) => similarity.toFixed(2),
        },
        {
          id: "evaluation",
          title: "Evaluated prompt",
          sort: ({ evaluation }) => evaluation,
          cell: ({ evaluation }) => <Words text={evaluation} hidden={blur} />,
        },
        {
          id: "training",
          title: "Training prompt",
          sort: ({ training }) => training,
          cell: ({ training }) => <Words text={training} hidden={blur} />,
        },
      ]}
    />
  );
}
