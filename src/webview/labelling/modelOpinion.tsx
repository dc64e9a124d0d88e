import type { PromptDetail } from "../../protocol/webview/labelling.ts";
import { probability } from "../../wording/numbers.ts";

const words = { refused: "refused", complied: "complied", undetermined: "gave an undetermined answer" };

/** What the model of the run that is shown did with the prompt: its verdict where it answered, and the refusal probability as a scale. */
export function ModelOpinion({ run }: { run: NonNullable<PromptDetail["run"]> }) {
  const p = run.refusalProbability;
  // The method of a run that evaluates a model as it is has the run's name.
  const who = run.method === run.name ? run.name : `${run.method} of ${run.name}`;
  return (
    <p class="model">
      <span class="codicon codicon-hubot" aria-hidden="true" /> {who}
      {run.outcome === undefined ? ": " : ` ${words[run.outcome]}, `}refusal probability {probability(p)}{" "}
      <svg class="scale" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" />
        <rect class="value" width={p * 100} height="8" />
      </svg>
    </p>
  );
}
