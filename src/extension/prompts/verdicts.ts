import type { Event } from "vscode";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import type { PromptFile } from "./promptFile.ts";

/** Says what the model of the run that is shown in a prompt file did with its prompts. The inline evaluation is the one source. */
export interface VerdictSource {
  /** @param id content hash of the prompt; undefined where it was not evaluated, or not looked at yet */
  verdictOf(file: PromptFile, id: string): Outcome | undefined;
  /** Tells when verdicts come, go or change. */
  readonly onDidChange: Event<void>;
}
