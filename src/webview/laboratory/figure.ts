import type { ComponentType } from "preact";
import type * as z from "zod";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import type { LaboratoryFromPage } from "../../protocol/webview/laboratory.ts";

/** What the figure of a probe is given. */
export interface FigureProps<Figures> {
  readonly result: ProbeResult;
  /** The result's figures, as the probe's schema has them. */
  readonly figures: Figures;
  /** Whether words of toxic prompts are blurred. */
  readonly blur: boolean;
  /** Asks the host; null where there is none, in a result that is a file. */
  readonly post: ((request: LaboratoryFromPage) => void) | null;
}

/** The figures of a probe, as they are read. */
export type FiguresRead<C extends ProbeContract> = z.output<C["figures"]>;

/** The component that draws the figures of a probe. */
export type Figure<C extends ProbeContract> = ComponentType<FigureProps<FiguresRead<C>>>;
