import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { xstest } from "../src/engine/evaluate/judges/xstest.ts";
import { exampleReport } from "./engine/evaluate/fixture.ts";
import { testPython } from "./python.ts";
import { skipWhen } from "./skip.ts";
import { tempFolder } from "./tempFolder.ts";

const root = join(import.meta.dirname, "..");
/** A folder with pandas, where the Python has none of its own. */
const folder = process.env.DISCERN_PANDAS;
const env = folder ? { PYTHONPATH: folder } : {};
/** PyTorch is not needed for this. */
const python = testPython ?? "python3";
// Who names a folder wants the test to run.
const pandas =
  Boolean(folder) || !(await execa(python, ["-c", "import pandas"], { env, reject: false })).failed;

describe.skipIf(skipWhen(!pandas, "docs/results.md in Python: there is no pandas (DISCERN_PANDAS)."))(
  "docs/results.md",
  () => {
    test("reads a report and an event log as it says", async () => {
      const page = readFileSync(join(root, "docs/results.md"), "utf8");
      const code = [...page.matchAll(/^```python\n(.*?)^```$/gms)].map(([, block]) => block!);
      expect(code).toHaveLength(3);
      const cwd = tempFolder();
      mkdirSync(join(cwd, "runs/dcr"), { recursive: true });
      const report = exampleReport();
      writeFileSync(join(cwd, "runs/dcr/report.json"), JSON.stringify(report));
      cpSync(join(root, "test/fixtures/v0.1/unfinished/events.jsonl"), join(cwd, "runs/dcr/events.jsonl"));
      const told = `
refusals = {f"{m} {r} {s} {u}": [row["mean"], row["size"]] for (m, r, s, u), row in rates.iterrows()}
print(json.dumps([len(answers), len(measures), refusals, [len(steps), groups.shape, toxic.shape]]))`;
      const { stdout } = await execa(python, ["-c", code.join("\n") + told], { cwd, env });
      const [rows, measures, refusals, course] = JSON.parse(stdout.split("\n").at(-1)!);

      expect(rows).toBe(report.answers.reduce((sum, { results }) => sum + results.length, 0));
      expect(measures).toBe(report.measures.rows.length);
      const rates = report.measures.rows.filter(
        (row) =>
          (row.measure === "unsafe_refusal" || row.measure === "safe_refusal") &&
          row.judge === xstest.described.id &&
          row.suite !== "pooled" &&
          row.seed !== null &&
          row.category === undefined,
      );
      expect(rates.length).toBeGreaterThan(3);
      for (const { method, seed, suite, group, estimate, n } of rates) {
        const [mean, size] = refusals[`${method} ${seed} ${suite} ${group === "unsafe" ? "True" : "False"}`];
        expect(mean).toBeCloseTo(estimate!, 12);
        expect(size).toBe(n);
      }
      const log = readFileSync(join(cwd, "runs/dcr/events.jsonl"), "utf8").trim().split("\n");
      const count = (type: string) => log.filter((line) => JSON.parse(line).type === type).length;
      expect(course[0]).toBe(count("step"));
      expect(course[1]).toEqual([count("probe"), 3]);
      expect(course[2]).toEqual([count("probe"), 4]);
    });
  },
);
