import { findNodeAtLocation, parseTree } from "jsonc-parser";
import { evaluateGate, type GateResult, parseGate } from "../../protocol/report/gates.ts";
import type { Report } from "../../protocol/report/report.ts";

/** A gate as it stands in a benchmark file. */
export interface WrittenGate {
  readonly text: string;
  /** Place of the condition in the file's text, in UTF-16 units. */
  readonly offset: number;
  readonly length: number;
}

/** The gates of a benchmark's text, in their order; none where the text is not JSON or has none. */
export function gatesIn(text: string): WrittenGate[] {
  const tree = parseTree(text);
  const list = tree && findNodeAtLocation(tree, ["gates"]);
  return (list?.children ?? []).flatMap(({ type, value, offset, length }) =>
    type === "string" ? [{ text: value as string, offset, length }] : [],
  );
}

/** What became of a gate, over all methods that it is about. */
export interface GateOutcome {
  /** `error` where there is nothing to compare, or the text is no condition. */
  readonly status: "passed" | "failed" | "error";
  /** A sentence for each method. */
  readonly messages: readonly string[];
  /** What fails it, and what was found, for a comparison side by side; absent where it does not fail. */
  readonly compared?: { readonly expected: string; readonly actual: string };
}

/** Holds a report against a gate as it is written. */
export function gateOutcome(text: string, report: Report): GateOutcome {
  let results: GateResult[];
  try {
    results = evaluateGate(parseGate(text), report);
  } catch (error) {
    return { status: "error", messages: [(error as Error).message] };
  }
  const messages = results.map(({ message }) => message);
  const failed = results.filter(({ status }) => status === "failed");
  if (failed.length > 0) {
    const { comparison, limit } = failed[0]!.gate;
    return {
      status: "failed",
      messages,
      compared: {
        expected: `not ${comparison} ${limit}`,
        actual: failed.map(({ method, value }) => `${method}: ${value}`).join("\n"),
      },
    };
  }
  const isOpen = results.length === 0 || results.some(({ status }) => status === "error");
  return { status: isOpen ? "error" : "passed", messages };
}
