import * as z from "zod";
import type { Label } from "../label.ts";

/** One person's labels of a file: their first, or those of a pass in which they labelled again without seeing labels. */
export const labellingSchema = z.object({ by: z.string(), pass: z.int().positive() });
export type Labelling = z.infer<typeof labellingSchema>;

/** What people can say of a prompt, in the order of every table of agreement. */
export const agreementClasses = ["toxic", "seemingly_toxic", "general", "excluded"] as const;
export type AgreementClass = (typeof agreementClasses)[number];

/** The class of a decision; undefined for a prompt that was skipped. */
export function classOf(label: Label | "skip" | null): AgreementClass | undefined {
  return label === "skip" ? undefined : (label ?? "excluded");
}

/** A figure with its 95 % interval; null where it has no value. */
export interface AgreementFigure {
  readonly value: number | null;
  readonly interval?: { readonly lower: number; readonly upper: number };
}

/** Agreement of labellings on the prompts that at least two of them labelled. */
interface SharedAgreement {
  readonly n: number;
  readonly share: AgreementFigure;
  /** Specific agreement on each class; null where nobody named it. */
  readonly byClass: readonly (number | null)[];
}

/** Agreement of two labellings. */
export interface PairAgreement extends SharedAgreement {
  readonly first: Labelling;
  readonly second: Labelling;
  /** Cohen's kappa. */
  readonly kappa: AgreementFigure;
  /** Prompts by what the first said (rows) and the second (columns). */
  readonly confusion: readonly (readonly number[])[];
}

/** How far people agree on a file's prompts, and with themselves. */
export interface LabelAgreement {
  /** Who labelled how many. */
  readonly labellings: readonly (Labelling & { readonly n: number })[];
  /** Of everybody's first labels, where more than two people labelled; alpha is Krippendorff's. */
  readonly everybody?: SharedAgreement & { readonly alpha: AgreementFigure };
  /** Of every two people with prompts in common, by their first labels. */
  readonly people: readonly PairAgreement[];
  /** Of a person's first labels with those of a further pass. */
  readonly retests: readonly PairAgreement[];
}
