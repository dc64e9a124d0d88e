import type { Finding, Remedy } from "./finding.ts";

/** A button of the dialogue that shows findings. */
export interface Offer {
  readonly title: string;
  readonly remedy: Remedy;
}

/** What a file that is started is called. */
export type StartedFile = "recipe" | "comparison" | "benchmark" | "sweep" | "run";

const titles: Readonly<Record<Exclude<Remedy["kind"], "recipe">, string>> = {
  label: "Label Prompts",
  pull: "Pull a Model…",
  python: "Create Environment…",
};

const gravity: readonly Finding["severity"][] = ["fault", "danger", "warning"];

/**
 * A button per kind of remedy, those of the gravest findings first: the first finding of a kind is where one begins. Where a run would fail there is
 * always one, so that the dialogue has something harmless to do by default.
 */
export function offers(findings: readonly Finding[], noun: StartedFile = "recipe"): Offer[] {
  const first = new Map<Remedy["kind"], Remedy>();
  for (const severity of gravity) {
    for (const { remedy } of findings.filter((one) => one.severity === severity))
      if (remedy && !first.has(remedy.kind)) first.set(remedy.kind, remedy);
  }
  const [isFault, isDanger] = ["fault", "danger"].map((grave) =>
    findings.some(({ severity }) => severity === grave),
  );
  if (first.size === 0 && isDanger && !isFault) first.set("recipe", { kind: "recipe" });
  return [...first].map(([kind, remedy]) => ({
    title: kind === "recipe" ? `Open ${noun.charAt(0).toUpperCase()}${noun.slice(1)}` : titles[kind],
    remedy,
  }));
}

/** Whether Enter may start the run: not where a finding says that it will fail. */
export function runsByDefault(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === "warning");
}

/** What starting a benchmark or sweep offers. */
export type StartChoice = "run" | "resume" | "add" | "plan";

/**
 * What a benchmark's dialogue offers, the default first: Enter starts nothing that a finding says will fail.
 *
 * @param earlier what can be done with its newest run: resume it as it was planned, and add what the file has more since.
 */
export function startChoices(
  findings: readonly Finding[],
  earlier: { readonly isResumable: boolean; readonly isAdded: boolean },
): StartChoice[] {
  const starts: StartChoice[] = [
    ...(earlier.isAdded ? ["add" as const] : []),
    ...(earlier.isResumable ? ["resume" as const] : []),
    "run",
  ];
  return runsByDefault(findings) ? [...starts, "plan"] : ["plan", ...starts];
}

/** The buttons of findings that are no faults, the default first: "anyway" only where nothing says that the run will fail. */
export function passedButtons<T>(findings: readonly Finding[], anyway: T, remedies: readonly T[]): T[] {
  return runsByDefault(findings) ? [anyway, ...remedies] : [...remedies, anyway];
}
