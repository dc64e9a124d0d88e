import { basename, dirname } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { EarlierComparison } from "../../protocol/report/earlier.ts";
import { isUntrained, type Method } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { sharedPrompts } from "../evaluate/align.ts";
import { compare } from "../evaluate/compare.ts";
import { differentOpenings } from "../evaluate/comparedOpenings.ts";
import { evaluatedPrompts } from "../evaluate/evaluatedPrompts.ts";
import { judgedBy, sharedJudges } from "../evaluate/rejudge.ts";
import { holmOverTables, type ReportOptions } from "../evaluate/report.ts";
import { judgedReport } from "./judged.ts";

/**
 * Holds a report against an earlier one: what became of each method that both have, on the prompts that it answered in both, as
 * two methods of one report are compared. Methods are known by their names; what people judged counts in both.
 *
 * @param now run folder or report file.
 * @param earlier the same of the earlier report.
 * @throws DiscernError `run-invalid`; `request-invalid` where no method is in both.
 */
export async function compareWithEarlier(
  now: string,
  earlier: string,
  { measures, ...bootstrap }: ReportOptions = {},
): Promise<EarlierComparison> {
  const [after, before] = await Promise.all([judgedReport(now), judgedReport(earlier)]);
  const judges = sharedJudges([before, after]);
  const answers = async (report: Report) => judgedBy(judges, report.answers, report.judges);
  const [first, second] = await Promise.all([answers(before), answers(after)]);
  const prompts = evaluatedPrompts([...first, ...second]);
  const context = { judges, bootstrap, prompts, untrained: new Set<string>() };
  const pairs = after.methods.flatMap((method) => {
    const older = before.methods.find(({ name }) => name === method.name);
    return older === undefined ? [] : [{ method, older }];
  });
  if (pairs.length === 0) {
    const names = ({ methods }: Report) => methods.map(({ name }) => name).join(", ");
    throw new DiscernError(
      "request-invalid",
      `The reports have no method in common: ${now} has ${names(after)}; ${earlier} has ${names(before)}.`,
    );
  }
  const found = pairs.map(({ method, older }) => {
    const name = `${method.name} (earlier)`;
    const runs = [...of(first, older.id).map((one) => ({ ...one, method: name })), ...of(second, method.id)];
    if (sharedPrompts(runs).some(({ results }) => results.length === 0)) {
      return { method: method.name, comparison: null };
    }
    const before = runs.filter((one) => one.method === name);
    const untrained = new Set(isUntrained(method) ? [name, method.id] : []);
    const comparison = compare(
      before,
      of(second, method.id),
      { ...context, untrained },
      { ...(measures && { measures }) },
    );
    return { method: method.name, comparison };
  });
  const adjusted = holmOverTables(found.flatMap(({ comparison }) => comparison ?? []));
  return {
    earlier: { name: before.run?.name ?? basename(dirname(earlier)), created: before.created },
    methods: found.map(({ method, comparison }) => ({
      method,
      comparison: comparison && (adjusted.shift() ?? comparison),
    })),
    notes: [...notesOf(before, after, pairs), ...differentOpenings([before, after])],
  };
}

function of(answers: readonly MethodAnswers[], method: string): MethodAnswers[] {
  return answers.filter((one) => one.method === method);
}

function notesOf(
  before: Report,
  after: Report,
  pairs: readonly { method: Method; older: Method }[],
): string[] {
  const lacking = ({ methods }: Report) =>
    methods.filter(({ name }) => !pairs.some(({ method }) => method.name === name)).map(({ name }) => name);
  const [gone, added] = [lacking(before), lacking(after)];
  const trained = pairs.filter(
    ({ method, older }) => JSON.stringify(method.stages) !== JSON.stringify(older.stages),
  );
  return [
    ...(before.model.name === after.model.name
      ? []
      : [`The earlier report is of another model: ${before.model.name}, not ${after.model.name}.`]),
    ...(gone.length > 0 ? [`Only in the earlier report: ${gone.join(", ")}.`] : []),
    ...(added.length > 0 ? [`Only in this report: ${added.join(", ")}.`] : []),
    ...(trained.length > 0
      ? [
          `These methods had other stages or numbers of steps: ${trained.map(({ method }) => method.name).join(", ")}.`,
        ]
      : []),
  ];
}
