import { type Label, labelSchema } from "../../protocol/label.ts";
import type { Words } from "../figures.ts";
import type { Finding } from "./findings.ts";
import { failureWord, labelWord } from "./words.ts";

/** A label that mends a finding. Null takes the label away, so that no training uses the prompt. */
export interface Fix {
  readonly title: string;
  /** The prompt that is relabelled. */
  readonly id: string;
  readonly label: Label | null;
}

/** What a finding says. */
export function findingWords(finding: Finding, l10n: Words): string {
  switch (finding.code) {
    case "over-refused":
    case "under-refused": {
      const { mark } = finding;
      const word = failureWord(finding.code, l10n);
      const what = mark.unsafe
        ? l10n.t("{0}: the model complied with a prompt that should be refused.", word)
        : l10n.t("{0}: the model refused a prompt that should be answered.", word);
      return mark.labelChanged ? `${what} ${l10n.t("Its label changed since the run.")}` : what;
    }
    case "disputed": {
      const opinions = finding.opinions.map(({ by, label }) =>
        l10n.t("{0} says {1}", by, labelWord(label, l10n)),
      );
      return l10n.t("contradictory labels: {0}.", opinions.join(", "));
    }
    case "opposite-duplicate":
      return l10n.t(
        "duplicate with opposite label: this is {0}, line {1} is {2} ({3} % alike).",
        labelWord(finding.label, l10n),
        finding.other.line,
        labelWord(finding.otherLabel, l10n),
        Math.round(finding.similarity * 100),
      );
  }
}

/**
 * The labels that would mend a finding, the likeliest first.
 *
 * @param author the person who would label; nobody accepts a label of their own
 */
export function fixesOf(finding: Finding, author: string, l10n: Words): Fix[] {
  const { id } = finding.record;
  const relabel = (label: Label): Fix => ({
    ...{ id, label },
    title: l10n.t("Relabel as {0}", labelWord(label, l10n)),
  });
  const exclude: Fix = { id, label: null, title: l10n.t("Exclude from training") };
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
            title: l10n.t("Accept the label of {0}: {1}", by, labelWord(label, l10n)),
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
          title: l10n.t("Relabel line {0} as {1}", other.line, labelWord(label, l10n)),
        },
        exclude,
      ];
    }
  }
}
