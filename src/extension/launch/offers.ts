import type { Finding, Remedy } from "./finding.ts";

/** A button of the dialogue that shows findings. */
export interface Offer {
  readonly title: string;
  readonly remedy: Remedy;
}

const titles: Readonly<Record<Remedy["kind"], string>> = {
  label: "Label Prompts",
  pull: "Pull a Model…",
  python: "Create Environment…",
  recipe: "Open Recipe",
};

const gravity: readonly Finding["severity"][] = ["fault", "danger", "warning"];

/**
 * A button per kind of remedy, those of the gravest findings first: the first finding of a kind is where one begins. Where a run would fail there is
 * always one, so that the dialogue has something harmless to do by default.
 */
export function offers(findings: readonly Finding[]): Offer[] {
  const first = new Map<Remedy["kind"], Remedy>();
  for (const severity of gravity) {
    for (const { remedy } of findings.filter((one) => one.severity === severity))
      if (remedy && !first.has(remedy.kind)) first.set(remedy.kind, remedy);
  }
  const [isFault, isDanger] = ["fault", "danger"].map((grave) =>
    findings.some(({ severity }) => severity === grave),
  );
  if (first.size === 0 && isDanger && !isFault) first.set("recipe", { kind: "recipe" });
  return [...first].map(([kind, remedy]) => ({ title: titles[kind], remedy }));
}

/** Whether Enter may start the run: not where a finding says that it will fail. */
export function runsByDefault(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === "warning");
}
