import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { sharedPrefixLength } from "../src/engine/backend/sharedPrefix.ts";
import { greatestOf, leastOf } from "../src/statistics/extremes.ts";
import { stream, walk } from "../src/statistics/random.ts";

const root = join(import.meta.dirname, "..");

/**
 * Calls that spread a list into arguments, and why the list is short: a call has room for some 120,000 arguments, and what
 * grows with the data overflows the stack. `leastOf`, `greatestOf`, `flat` and loops have no such end.
 */
const short: Record<string, string> = {
  "scripts/study.ts: say": "arguments of a command line",
  "src/dataset/presets.ts: holds": "names of columns",
  "src/engine/backend/onnx/programs/gradients/gradientProducts.ts: floats": "a matrix's shape",
  "src/engine/evaluate/bootstrap.ts: run": "a pair",
  "src/engine/evaluate/measures/curveMeasures.ts: work": "what a measure is told",
  "src/engine/model/download/hubPull.ts: join": "parts of a name",
  "src/engine/python/find.ts: add": "Pythons of a machine",
  "src/engine/python/find.ts: found.push": "Pythons of a machine",
  "src/engine/steer/countedPasses.ts: count": "parameters",
  "src/engine/steer/steeredBackend.ts: this.base.export": "parameters",
  "src/extension/benchmark/start.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/contributions.ts: run": "arguments of a command",
  "src/extension/contributions.ts: vscode.commands.executeCommand": "arguments of a command",
  "src/extension/engine/process.ts: client.call": "a method and its parameters",
  "src/extension/evaluation/register.ts: vscode.Disposable.from": "a fixed list",
  "src/extension/laboratory/register.ts: vscode.Disposable.from": "a fixed list",
  "src/extension/labelling/labelCommands.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/labelling/lostLabels.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/laboratory/deriveOpenings.ts: show": "buttons",
  "src/extension/launch/checked.ts: facts.machine": "parameters",
  "src/extension/launch/showFindings.ts: vscode.window.showErrorMessage": "buttons",
  "src/extension/launch/showFindings.ts: vscode.window.showWarningMessage": "buttons",
  "src/extension/launch/watch.ts: vscode.window.showErrorMessage": "buttons",
  "src/extension/launch/watch.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/page/page.ts: vscode.Uri.joinPath": "parts of a path",
  "src/extension/prompts/addPrompt.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/prompts/tellLabelled.ts: vscode.window.showInformationMessage": "buttons",
  "src/extension/prompts/ranges.ts: siblings.splice": "two halves",
  "src/extension/runs/register.ts: vscode.Disposable.from": "a fixed list",
  "src/modelsHome/home.ts: join": "parts of a name",
  "src/modelsHome/hubCache.ts: join": "parts of a name",
};

function spreads(file: string): string[] {
  const kind = file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && node.arguments?.some(ts.isSpreadElement)) {
      found.push(`${file.replaceAll("\\", "/")}: ${node.expression.getText()}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test("no call spreads data into its arguments", () => {
  const found = globSync("{src,scripts}/**/*.{ts,tsx}", { cwd: root }).flatMap(spreads);
  expect(found.length).toBeGreaterThan(10);
  expect(found.filter((call) => !Object.hasOwn(short, call))).toEqual([]);
});

test("lists of 200,000 prompts are no arguments", () => {
  const rows = Array.from({ length: 200_000 }, (_, i) => [1, 2, 3, i]);
  expect(sharedPrefixLength(rows)).toBe(3);
  expect([leastOf(rows.map((row) => row[3]!)), greatestOf(rows.map((row) => row[3]!))]).toEqual([0, 199_999]);
  expect([leastOf([]), greatestOf([])]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  const order = (epoch: number) => stream(0, "order", epoch);
  expect(walk(rows, 0, 200_000, order)).toHaveLength(200_000);
});
