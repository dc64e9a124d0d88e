import { appendFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { DiscernError } from "../../protocol/errors.ts";
import { type JudgeSpec, judgeId, judgeQuestion } from "../../protocol/judges.ts";
import {
  evaluateGates,
  type Gate,
  type GateResult,
  gateJudgeFault,
  parseGate,
  unmet,
} from "../../protocol/report/gates.ts";
import type { Report } from "../../protocol/report/report.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { gatesJunit, gatesMarkdown } from "../report/gates.ts";
import { say } from "./shell.ts";

/** The exit code of a command whose gates did not all pass. */
const gateFailed = 3;

export interface GateFlags {
  readonly failIf: readonly Gate[];
  readonly junit?: string;
  readonly summary?: string;
}

/** The options of every command that ends with a report. */
export function withGates(command: Command): Command {
  return command
    .option(
      "--fail-if <condition>",
      'exit with code 3 where the report meets it, such as "xstest.safe_refusal > 0.2"; lower(…) and upper(…) compare an end of ' +
        "the 95 % interval; may be repeated",
      (text, all: readonly Gate[]) => [...all, gateOf(text)],
      [] as readonly Gate[],
    )
    .option("--junit <file>", "write what became of the conditions as JUnit XML")
    .option("--summary <file>", "append it as Markdown, as to $GITHUB_STEP_SUMMARY");
}

/** @throws InvalidArgumentError, which is a fault of usage. */
function gateOf(text: string): Gate {
  try {
    return parseGate(text);
  } catch (error) {
    throw error instanceof DiscernError ? new InvalidArgumentError(error.message) : error;
  }
}

/**
 * Ends a command, before it computes anything, where one of its gates cannot be held against the report to come: by the judges that will read the
 * answers it is not clear, or nobody measures it.
 */
export function requireClearGates(
  { failIf }: GateFlags,
  judges: readonly JudgeSpec[],
  command: Command,
): void {
  const asked = judges.map((spec) => ({ id: judgeId(spec), question: judgeQuestion(spec) }));
  for (const gate of failIf) {
    const fault = gateJudgeFault(gate, asked);
    if (fault !== null) command.error(`error: --fail-if "${gate.text}": ${fault}`, { exitCode: 2 });
  }
}

/**
 * Holds a report against the gates of a command and of the file that it was given, says what became of each, and sets the
 * exit code. Nothing happens without gates.
 *
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function checkGates(
  report: Report,
  flags: GateFlags,
  ofFile: readonly Gate[] = [],
): Promise<void> {
  const results = evaluateGates([...ofFile, ...flags.failIf], report);
  await conclude(results, report.run?.name ?? report.model.name, flags);
}

/**
 * Says of gates that there is no report to hold them against. Each is an error, and none has passed.
 *
 * @param name what the report would have been of.
 * @param reason why there is none, in a sentence.
 * @throws as checkGates.
 */
export async function failGates(
  gates: readonly Gate[],
  name: string,
  reason: string,
  flags: GateFlags,
): Promise<void> {
  await conclude(
    gates.map((gate) => unmet(gate, null, reason)),
    name,
    flags,
  );
}

async function conclude(
  results: readonly GateResult[],
  name: string,
  { junit, summary }: GateFlags,
): Promise<void> {
  if (results.length === 0) return;
  for (const { gate, status, message } of results) say(`${status}: ${gate.text}. ${message}`);
  if (junit !== undefined) {
    await writeAtomic(junit, gatesJunit(results, name)).catch((error) => {
      throw writeFailure(error, junit);
    });
  }
  if (summary !== undefined) {
    await appendFile(summary, gatesMarkdown(results, name)).catch((error) => {
      throw writeFailure(error, summary);
    });
  }
  if (results.some(({ status }) => status !== "passed")) process.exitCode = gateFailed;
}
