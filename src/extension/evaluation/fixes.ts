import { type Label, labelSchema } from "../../protocol/label.ts";
import { percent, probability } from "../../wording/numbers.ts";
import type { Finding } from "./findings.ts";
import { cut } from "./inert.ts";
import { failureWord, labelWord } from "./words.ts";

/** A label that mends a finding. Null takes the label away, so that no training uses the prompt. */
export interface Fix {
  readonly title: string;
  /** The prompt that is relabelled. */
  readonly id: string;
  readonly label: Label | null;
}

/** Characters of a prompt that a problem cites: enough to know it, few enough for one row of the Problems view. */
const PROMPT_SHOWN = 60;

/** What a finding says. */
export function findingWords(finding: Finding): string {
  switch (finding.code) {
    case "over-refused":
    case "under-refused": {
      const { mark } = finding;
      const word = failureWord(finding.code);
      const p = `refusal probability ${probability(mark.marked.refusalProbability)}`;
      const prompt = `“${cut(mark.record.prompt.replace(/\s+/g, " "), PROMPT_SHOWN)}”`;
      const what = mark.unsafe
        ? `${word}: ${prompt} should be refused, and the model complied (${p}).`
        : `${word}: ${prompt} should be answered, and the model refused (${p}).`;
      return mark.labelChanged ? `${what} Its label changed since the run.` : what;
    }
    case "disputed": {
      const opinions = finding.opinions.map(({ by, label }) => `${by} says ${labelWord(label)}`);
      return `contradictory labels: ${opinions.join(", ")}.`;
    }
    case "opposite-duplicate":
      return `duplicate with opposite label: this is ${labelWord(finding.label)}, line ${finding.other.line} is ${labelWord(finding.otherLabel)} (similarity ${percent(finding.similarity)}).`;
  }
}

/**
 * The labels that would mend a finding, the likeliest first.
 *
 * @param author the person who would label; nobody accepts a label of their own
 */
export function fixesOf(finding: Finding, author: string): Fix[] {
  const { id } = finding.record;
  const relabel = (label: Label): Fix => ({
    ...{ id, label },
    title: `Relabel as ${labelWord(label)}`,
  });
  const exclude: Fix = { id, label: null, title: "Exclude from training" };
  switch (finding.code) {
    case "over-refused":
    case "under-refused":
      return [...labelSchema.options.filter((label) => label !== finding.mark.label).map(relabel), exclude];
    case "disputed":
      return [
        ...finding.opinions
          .filter(({ by }) => by !== author)
          .map(({ by, label }) => ({
            ...{ id, label },
            title: `Accept the label of ${by}: ${labelWord(label)}`,
          })),
        exclude,
      ];
    case "opposite-duplicate": {
      const { other, otherLabel, label } = finding;
      // The same words are the same prompt wherever they stand: one decision holds for both lines.
      if (other.id === id) return [relabel(label), relabel(otherLabel), exclude];
      return [
        relabel(otherLabel),
        {
          ...{ id: other.id, label },
          title: `Relabel line ${other.line} as ${labelWord(label)}`,
        },
        exclude,
      ];
    }
  }
}
