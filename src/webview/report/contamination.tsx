import { methodName } from "../../protocol/report/methods.ts";
import type { SuiteContamination } from "../../protocol/report/training.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { figure } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Words } from "../ui/words.tsx";

/** A column of counts. */
function number(
  id: string,
  title: string,
  of: (found: SuiteContamination) => number | undefined,
): Column<SuiteContamination> {
  return { id, title, number: true, sort: of, cell: (found) => of(found) ?? "–" };
}

/**
 * How many prompts of each suite are, or nearly are, training prompts, and the closest of them; nothing where there are
 * none.
 */
export function Contamination({
  figures: { contamination, methods },
  blur,
}: {
  figures: Figures;
  blur: boolean;
}) {
  if (contamination.length === 0) return null;
  const nameOf = (method: string) => methodName(methods, method);
  const closest = contamination.flatMap(({ method, suite, closest }) =>
    closest.map((pair) => ({ method, suite, ...pair })),
  );
  const total = contamination.reduce((sum, { contaminated }) => sum + contaminated, 0);
  const which = closest.length < total ? `The ${closest.length} closest of ${total} evaluated` : "Evaluated";
  const caption = `${which} prompts that are, or nearly are, training prompts`;
  return (
    <>
      <SortableTable
        caption="Evaluated prompts that are, or nearly are, training prompts, by method and suite"
        rows={contamination}
        keyOf={({ method, suite }) => `${method}\n${suite}`}
        columns={[
          {
            id: "method",
            title: "Method",
            sort: ({ method }) => nameOf(method),
            cell: ({ method }) => nameOf(method),
          },
          { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
          number("prompts", "Prompts", ({ prompts }) => prompts),
          number("contaminated", "Contaminated", ({ contaminated }) => contaminated),
          number("exact", "Exactly", ({ exact }) => exact),
          number(
            "normalised",
            "But for case, spaces, punctuation",
            ({ normalised, sameWords }) => normalised ?? sameWords,
          ),
          number("near", "Nearly", ({ near, contaminated, sameWords }) => near ?? contaminated - sameWords),
          {
            id: "parts",
            title: "In",
            cell: ({ parts = {} }) =>
              Object.entries(parts)
                .map(([part, count]) => `${part} ${count}`)
                .join(", "),
          },
        ]}
      />
      <p class="muted">{caption}.</p>
      <SortableTable
        caption={caption}
        rows={closest}
        keyOf={({ method, suite, evaluation, training }) => `${method}\n${suite}\n${evaluation}\n${training}`}
        columns={[
          {
            id: "similarity",
            title: "Similarity",
            number: true,
            sort: ({ similarity }) => similarity,
            cell: ({ similarity }) => figure(similarity),
          },
          { id: "suite", title: "Suite", sort: ({ suite }) => suite, cell: ({ suite }) => suite },
          { id: "part", title: "In", sort: ({ part }) => part, cell: ({ part }) => part },
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
    </>
  );
}
