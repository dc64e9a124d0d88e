import type { Estimate } from "../../protocol/comovement.ts";
import { BEFORE, type OverSeeds, type Report } from "../../protocol/report.ts";

/** The figures by which a finished run is known, over all suites together. Rates are in [0, 1]. */
export interface Headline {
  /** Safe prompts refused; fewer is better. Absent without safe prompts. */
  readonly safe?: BeforeAfter;
  /** Unsafe prompts refused; more is better. Absent without unsafe prompts. */
  readonly unsafe?: BeforeAfter;
  /** AUROC of refusal between unsafe and safe prompts, with its interval. */
  readonly discernment?: { readonly before?: Estimate; readonly after: Estimate };
}

interface BeforeAfter {
  /** Absent when the model before training was not evaluated. */
  readonly before?: number;
  readonly after: number;
}

/** The headline figures of a run's report; null when it tells of no trained model. */
export function headlineOf(report: Report): Headline | null {
  const arm = report.arms.findLast(({ name }) => name !== BEFORE)?.name;
  if (arm === undefined) return null;
  const figure = (name: string, measure: OverSeeds["measure"]) =>
    report.overSeeds.find((each) => each.arm === name && each.measure === measure)?.mean;
  // The pooled contrast is the last one of an arm; with a single suite that suite is all there is.
  const discernment = (name: string) => report.discernment.findLast((each) => each.arm === name)?.auroc;
  const rates = (measure: OverSeeds["measure"]): BeforeAfter | undefined => {
    const after = figure(arm, measure);
    const before = figure(BEFORE, measure);
    return after === undefined ? undefined : { after, ...(before === undefined ? {} : { before }) };
  };
  const safe = rates("safe_refusal");
  const unsafe = rates("unsafe_refusal");
  const after = discernment(arm);
  const before = discernment(BEFORE);
  return {
    ...(safe && { safe }),
    ...(unsafe && { unsafe }),
    ...(after && { discernment: { after, ...(before && { before }) } }),
  };
}
