import type { RefObject } from "preact";
import {
  type AgreementClass,
  type AgreementFigure,
  agreementClasses,
  type LabelAgreement,
  type Labelling,
  type PairAgreement,
} from "../../protocol/webview/labelAgreement.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { count, counted, estimate, figure } from "../../wording/numbers.ts";
import { LabelChip, stateNames } from "../ui/labelChip.tsx";
import type { LabellingPage } from "./pageModel.ts";

/** How far people agree on the file's prompts, and each person with their own second pass. */
export function Agreement({
  page,
  focusRef,
}: {
  page: LabellingPage;
  focusRef: RefObject<HTMLElement | null>;
}) {
  const { agreement } = page;
  if (!agreement) return <p class="muted">Working out how far people agree…</p>;
  const { everybody, people, retests } = agreement;
  const none = people.length === 0 && retests.length === 0;
  return (
    <section class="agreement" aria-label="Agreement" data-work tabIndex={-1} ref={focusRef}>
      {none && <NoAgreement agreement={agreement} />}
      {everybody && (
        <section>
          <h2>Everybody</h2>
          <p class="verdict">
            {counted(agreement.labellings.filter(({ pass }) => pass === 1).length, "person", "people")}{" "}
            labelled {counted(everybody.n, "prompt")} at least twice. Two of them agree on{" "}
            {words(everybody.share, "share")}; Krippendorff's α = {words(everybody.alpha, "number")}.
          </p>
          <ByClass byClass={everybody.byClass} />
        </section>
      )}
      {people.map((pair) => (
        <Pair key={`${pair.first.by} ${pair.second.by}`} page={page} pair={pair} />
      ))}
      {retests.map((pair) => (
        <Pair key={`${pair.first.by} ${pair.second.pass}`} page={page} pair={pair} />
      ))}
      {!none && (
        <p class="muted">
          Intervals are 95 % percentile intervals of a bootstrap over prompts. κ and α are 0 for chance and 1
          for full agreement; κ has no value where one person gives every prompt the same label. Skipped
          prompts do not count.
        </p>
      )}
      <div class="actions">
        <vscode-button appearance="secondary" onClick={() => page.do("merge")}>
          Merge label logs…
        </vscode-button>
        <vscode-button appearance="secondary" onClick={() => page.do("secondPass")}>
          Label again without seeing labels…
        </vscode-button>
        {!none && (
          <vscode-button appearance="secondary" onClick={() => page.do("exportAgreement")}>
            Export agreement…
          </vscode-button>
        )}
      </div>
    </section>
  );
}

function NoAgreement({ agreement: { labellings } }: { agreement: LabelAgreement }) {
  return (
    <>
      <h2>No agreement to measure yet</h2>
      <p>
        {labellings.length === 0
          ? "Nobody has labelled a prompt of this file here. Labels of the file itself have no author and do not count."
          : `So far ${labellings.map(({ by, n }) => `${by} labelled ${counted(n, "prompt")}`).join(", ")}.`}{" "}
        Agreement needs two labels of the same prompts: merge another person's log, or label your own prompts
        a second time.
      </p>
    </>
  );
}

function Pair({ page, pair }: { page: LabellingPage; pair: PairAgreement }) {
  const { first, second, n, share, kappa, byClass, confusion } = pair;
  const again = first.by === second.by;
  const differing = confusion.reduce(
    (sum, row, a) => sum + row.reduce((inRow, count, b) => inRow + (a === b ? 0 : count), 0),
    0,
  );
  const title = again ? `${first.by}, labelled twice` : `${first.by} and ${second.by}`;
  return (
    <section aria-label={title}>
      <h2 class="words">{title}</h2>
      <p class="verdict">
        {again
          ? `In a second pass without seeing labels ${first.by} labelled ${counted(n, "prompt")} again and agrees on `
          : `Both labelled ${counted(n, "prompt")} and agree on `}
        {words(share, "share")}; Cohen's κ = {words(kappa, "number")}.
      </p>
      <div class="side-by-side">
        <Confusion first={first} second={second} confusion={confusion} />
        <ByClass byClass={byClass} />
      </div>
      {differing > 0 ? (
        <vscode-button onClick={() => page.showDiffering(first, second)}>
          {`Go through ${counted(differing, "disagreement")}`}
        </vscode-button>
      ) : (
        <p>
          <span class="codicon codicon-pass" aria-hidden="true" /> No disagreement.
        </p>
      )}
    </section>
  );
}

/** What the first said, in rows, and the second, in columns; the diagonal is where they agree. */
function Confusion({
  first,
  second,
  confusion,
}: {
  first: Labelling;
  second: Labelling;
  confusion: PairAgreement["confusion"];
}) {
  const shown = agreementClasses.filter(
    (_, k) => confusion[k]!.some((cell) => cell > 0) || confusion.some((row) => row[k]! > 0),
  );
  const most = Math.max(1, greatestOf(confusion.flat()));
  const again = first.by === second.by;
  const name = ({ by, pass }: Labelling) => (again ? (pass === 1 ? "First pass" : "Second pass") : by);
  return (
    <table class="confusion">
      <caption>
        Rows: {name(first)}. Columns: {name(second)}.
      </caption>
      <thead>
        <tr>
          <td />
          {shown.map((column) => (
            <th key={column} scope="col">
              {stateNames[column]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {shown.map((row) => (
          <tr key={row}>
            <th scope="row">
              <LabelChip state={row} />
            </th>
            {shown.map((column) => (
              <Cell key={column} row={row} column={column} confusion={confusion} most={most} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A count with a bar: more is longer, and agreement is framed. */
function Cell(props: {
  row: AgreementClass;
  column: AgreementClass;
  confusion: PairAgreement["confusion"];
  most: number;
}) {
  const { row, column } = props;
  const n = props.confusion[agreementClasses.indexOf(row)]![agreementClasses.indexOf(column)]!;
  return (
    <td class={row === column ? "same" : n > 0 ? "differs" : ""}>
      {count(n)}
      {/* SVG, since the page's policy allows no inline styles. */}
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
        <rect width={(100 * n) / props.most} height="1" />
      </svg>
    </td>
  );
}

/** Agreement label by label. */
function ByClass({ byClass }: { byClass: readonly (number | null)[] }) {
  const named = agreementClasses.flatMap((name, k) =>
    byClass[k] === null || byClass[k] === undefined ? [] : [{ name, value: byClass[k] }],
  );
  return (
    <table class="by-class">
      <caption>Agreement on each label</caption>
      <tbody>
        {named.map(({ name, value }) => (
          <tr key={name}>
            <th scope="row">
              <LabelChip state={name} />
            </th>
            <td>{figure(value, "share")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function words({ value, interval }: AgreementFigure, unit: "share" | "number"): string {
  return estimate(value === null ? null : { value, ...interval }, unit);
}
