import type { Event } from "vscode";
import type { Outcome } from "../../protocol/report/verdicts.ts";

/** Says what the model of the run that is shown did with a prompt. The inline evaluation is the one source. */
export interface VerdictSource {
  /** @param id content hash of the prompt; undefined where it was not evaluated */
  verdictOf(id: string): Outcome | undefined;
  /** Tells when verdicts come, go or change. */
  readonly onDidChange: Event<void>;
}
