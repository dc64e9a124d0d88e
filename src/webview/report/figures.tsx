import type { ComponentChildren } from "preact";
import type { EarlierComparison } from "../../protocol/report/earlier.ts";
import { measureLines } from "../../protocol/report/lines.ts";
import { markedMethods } from "../../protocol/report/methods.ts";
import type { RunResultsRequest, ShownResult } from "../../protocol/webview/laboratory.ts";
import type { Figures as ReportFigures } from "../../protocol/webview/report.ts";
import { RunResults } from "../laboratory/runResults.tsx";
import { About } from "./about.tsx";
import type { HumanAgreement } from "./agreement.ts";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";
import { Criteria, Openings, Tuning } from "./benchmark.tsx";
import { Calibration, isSampled } from "./calibration.tsx";
import { Comparisons } from "./comparison.tsx";
import { Contamination } from "./contamination.tsx";
import { Costs, costsOf } from "./costs.tsx";
import { Earlier } from "./earlier.tsx";
import { Failures } from "./failures.tsx";
import { Layers, layerChoices } from "./layers.tsx";
import { curveSuites } from "./methodCurves.ts";
import { MethodsTable } from "./methodsTable.tsx";
import { AgreementSummary, Conclusion, Notes, Problems } from "./notices.tsx";
import { Operating } from "./operating.tsx";
import { Overview } from "./overview.tsx";
import { isBySuite, MeasureTables } from "./suites.tsx";
import { Training } from "./training.tsx";

interface FiguresProps {
  readonly figures: ReportFigures;
  readonly rows: readonly Row[];
  readonly agreement: HumanAgreement | undefined;
  readonly broken: readonly number[];
  readonly earlier: EarlierComparison | null;
  /** How often that was asked for. */
  readonly earlierAsked: number;
  readonly blur: boolean;
  readonly onBrowse: (filter: Partial<Filter>) => void;
  /** The results of the laboratory that the page holds. */
  readonly results: readonly ShownResult[];
  /** Asks about results of the laboratory; null in a report that is a file. */
  readonly onLaboratory: ((request: RunResultsRequest) => void) | null;
}

/** Everything that is computed from the answers, the most important first. */
export function Figures({
  figures: whole,
  rows,
  agreement,
  broken,
  earlier,
  earlierAsked,
  blur,
  results,
  ...asks
}: FiguresProps) {
  const { onBrowse, onLaboratory } = asks;
  const mentions = whole.laboratory ?? [];
  const figures = { ...whole, methods: markedMethods(whole) };
  const { benchmark } = whole;
  const costs = costsOf(whole);
  const choices = layerChoices(figures);
  const lines = measureLines(figures.measures, figures.judges);
  const measures = [...Map.groupBy(lines, ({ definition }) => definition.id)].filter(([, own]) =>
    isBySuite(own),
  );
  return (
    <>
      <Conclusion figures={whole} />
      <Problems figures={figures} />
      <Notes figures={figures} broken={broken} />
      {earlier !== null && (
        <Part title={`Since ${earlier.earlier.name}`}>
          <Earlier {...{ figures, earlier }} asked={earlierAsked} />
        </Part>
      )}
      {benchmark && (
        <Part title="Methods by suites">
          <MethodsTable {...{ figures: whole, runs: whole.answers, rows, onBrowse }} />
        </Part>
      )}
      <Part title="All suites together">
        <Overview figures={figures} />
      </Part>
      {figures.comparisons.length > 0 && (
        <Part title="What training changed">
          <Comparisons {...{ figures, rows, blur, onBrowse }} />
        </Part>
      )}
      {measures.map(([id, own]) => (
        <Part key={id} title={`${own[0]!.definition.title} by suite`}>
          <MeasureTables {...{ figures, lines: own }} />
        </Part>
      ))}
      {curveSuites(rows).length > 0 && (
        <Part title="Operating curves">
          <Operating {...{ figures, rows }} />
        </Part>
      )}
      {isSampled(rows) && (
        <Part title="Calibration of the refusal probability">
          <Calibration {...{ figures, rows }} />
        </Part>
      )}
      {figures.series.some(({ points }) => points.length > 1) && (
        <Part title="Co-movement during training">
          <Training {...{ figures, onLaboratory }} />
        </Part>
      )}
      {choices.length > 0 && (
        <Part title="Choice of the layer">
          <Layers choices={choices} />
        </Part>
      )}
      {(onLaboratory !== null || mentions.length > 0) && (
        <Part title="Laboratory">
          <RunResults {...{ mentions, results, blur, ask: onLaboratory }} />
        </Part>
      )}
      {benchmark && benchmark.failures.length > 0 && (
        <Part title="Cases that failed">
          <Failures {...{ failures: benchmark.failures, figures, rows, blur, onBrowse }} />
        </Part>
      )}
      {benchmark?.tuning && (
        <Part title="Tuning">
          <Tuning {...{ tuning: benchmark.tuning, figures }} />
        </Part>
      )}
      {benchmark && (
        <Part title="Margins and gates">
          <Criteria {...{ benchmark, figures }} />
        </Part>
      )}
      {benchmark && benchmark.openings.length > 0 && (
        <Part title="Openings of test suites">
          <Openings benchmark={benchmark} />
        </Part>
      )}
      {costs.length > 0 && (
        <Part title="Costs">
          <Costs {...{ costs, figures }} />
        </Part>
      )}
      <Part title="Verdicts of people">
        <AgreementSummary agreement={agreement} />
        <p>
          <button type="button" class="link" onClick={() => onBrowse({ outcome: "doubtful" })}>
            Show answers where judge and refusal probability disagree
          </button>
          {" · "}
          <button
            type="button"
            class="link"
            onClick={() => onBrowse({ outcome: "apart", order: "disagreement" })}
          >
            Show every disagreement, the largest first
          </button>
          {agreement !== undefined && agreement.notRefused + agreement.refused > 0 && (
            <>
              {" · "}
              <button type="button" class="link" onClick={() => onBrowse({ outcome: "overturned" })}>
                Show answers where person and judge disagree
              </button>
            </>
          )}
        </p>
      </Part>
      {figures.contamination.length > 0 && (
        <Part title="Contamination">
          <Contamination {...{ figures, blur }} />
        </Part>
      )}
      <Part title="About this report">
        <About figures={figures} />
      </Part>
    </>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
