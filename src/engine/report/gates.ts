import type { GateResult } from "../../protocol/report/gates.ts";
import { plain, table } from "./markdownText.ts";

/** Results of gates as JUnit XML, a test case each: what most CI services read. */
export function gatesJunit(results: readonly GateResult[], name: string): string {
  const count = (status: GateResult["status"]) => results.filter((each) => each.status === status).length;
  const cases = results.map(({ gate, method, status, message }) => {
    const attributes = `classname="${xml(method ?? name)}" name="${xml(gate.text)}"`;
    if (status === "passed")
      return `    <testcase ${attributes}><system-out>${xml(message)}</system-out></testcase>`;
    const element = status === "failed" ? "failure" : "error";
    return `    <testcase ${attributes}><${element} message="${xml(message)}"/></testcase>`;
  });
  const counts = `tests="${results.length}" failures="${count("failed")}" errors="${count("error")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xml(name)}" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

/** Results of gates as Markdown, as GitHub shows it on the page of a job. */
export function gatesMarkdown(results: readonly GateResult[], name: string): string {
  const bad = results.filter(({ status }) => status !== "passed").length;
  const title = bad === 0 ? `all ${results.length} passed` : `${bad} of ${results.length} did not pass`;
  const rows = results.map(({ gate, status, message }) => [status, gate.text, message]);
  return `### ${plain(name)}: ${title}\n\n${table(["Result", "Fails if", "Found"], rows)}\n\n`;
}

/** A text in an attribute or an element of XML 1.0, which has no place for most control characters. */
function xml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}")
    .replace(/[&<>"]/g, (sign) => entities[sign]!);
}
