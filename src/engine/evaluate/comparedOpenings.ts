import { type MeasuredOpenings, refusalOpenings } from "../../protocol/openings.ts";
import type { Report } from "../../protocol/report/report.ts";
import { openingsHash } from "../../recipe/openings.ts";

/** The openings of several reports, each once. */
export function statedOpenings(reports: readonly Pick<Report, "openings">[]): Pick<Report, "openings"> {
  const found = new Map(reports.flatMap(({ openings = [] }) => openings.map((one) => [one.hash, one])));
  return found.size === 0 ? {} : { openings: [...found.values()] };
}

/** What is to be said where refusal probabilities that are compared are sums over different openings. */
export function differentOpenings(reports: readonly Pick<Report, "openings" | "answers">[]): string[] {
  const { openings = [] } = statedOpenings(reports);
  const measured = reports.flatMap(({ answers }) => answers);
  if (openings.length > 1) {
    return [
      `Refusal probabilities are sums over different openings: ${openings.map(words).join("; ")}. They, and what follows from them ` +
        "(log-odds, discernment, calibration), cannot be compared; rates of judged answers can. Measure all methods by the same openings.",
    ];
  }
  const unknown = measured.filter((one) => one.openings === undefined).length;
  const [only] = openings;
  // Older versions measured by the default list, unless their recipes said otherwise.
  if (only === undefined || unknown === 0 || only.hash === openingsHash(refusalOpenings)) return [];
  return [
    `${unknown} of the ${measured.length} compared sets of answers do not state by which openings refusal probabilities were ` +
      `measured, as in reports of older versions; the others were by ${words(only)}.`,
  ];
}

function words({ file, openings, hash }: MeasuredOpenings): string {
  return `${openings.length} openings of ${file ?? "a list"} (${hash.slice(0, 12)})`;
}
