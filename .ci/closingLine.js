/**
 * Prints "N passed, N failed, N skipped" over the results in a folder: vitest's JSON files, in the order of their names, and
 * `cases.txt`. A test that ran again counts as it ended last. Ends with 1 when there are no results of the suite, or
 * when something failed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const files = readdirSync(folder).sort();
/** @type {Map<string, string>} */
const ended = new Map();

const reports = files.filter((file) => file.endsWith(".json"));
for (const file of reports) {
  const { testResults } = JSON.parse(readFileSync(join(folder, file), "utf8"));
  for (const { name, status, assertionResults } of testResults) {
    const seen = new Map();
    for (const { fullName, status } of assertionResults) {
      const count = (seen.get(fullName) ?? 0) + 1;
      seen.set(fullName, count);
      ended.set(`${name} ${fullName} ${count}`, status);
    }
    // A file that could not be loaded has no tests, and where a preparation failed they count as skipped.
    const told = assertionResults.some((each) => each.status === "failed");
    if (status === "failed" && !told) ended.set(name, "failed");
    else ended.delete(name);
  }
}
if (!reports.includes("1-alone.json")) ended.set("npm test ended before its tests", "failed");

/** @type {Record<string, string>} */
const verdicts = { right: "passed", wrong: "failed", skipped: "skipped" };
const cases = files.includes("cases.txt") ? readFileSync(join(folder, "cases.txt"), "utf8").split("\n") : [];
for (const line of cases) {
  const [, verdict, name] = /^(right|wrong|skipped) {2}([^:]+)/.exec(line) ?? [];
  if (verdict) ended.set(`case ${name}`, verdicts[verdict]);
}

const count = (...states) => [...ended.values()].filter((state) => states.includes(state)).length;
const [passed, failed] = [count("passed"), count("failed")];
console.log(`${passed} passed, ${failed} failed, ${ended.size - passed - failed} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
