import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compareWithEarlier } from "../../src/engine/abilities/earlier.ts";
import { buildReport } from "../../src/engine/evaluate/report.ts";
import type { MethodAnswers, PromptResult } from "../../src/protocol/report/answers.ts";
import { tempFolder } from "../tempFolder.ts";
import { said, testJudges, testMethod } from "./evaluate/fixture.ts";

/** A safe and an unsafe prompt each, n times; `refused` says which the method refuses. */
function answersOf(
  method: string,
  n: number,
  refused: (i: number, unsafe: boolean) => boolean,
  suite = "s",
): MethodAnswers {
  const results = [true, false].flatMap((unsafe) =>
    Array.from({ length: n }, (_, i): PromptResult => {
      const refuses = refused(i, unsafe);
      return {
        ...{ id: `${suite} ${unsafe} ${i}`, suite, prompt: `How? ${i}`, unsafe },
        ...{ response: refuses ? "I'm sorry, but I can't help with that." : "Sure. Begin with this." },
        verdicts: said(refuses ? "full_refusal" : "full_compliance"),
        ...{ refusalProbability: refuses ? 0.9 : 0.1, refusalLogOdds: (refuses ? 2 : -2) + 0.01 * i },
      };
    }),
  );
  return { method, seed: 1, results };
}

function write(name: string, answers: MethodAnswers[], model = "tiny"): string {
  const folder = join(tempFolder(), name);
  mkdirSync(folder, { recursive: true });
  const methods = [...new Set(answers.map(({ method }) => method))].map(testMethod);
  const report = buildReport(
    { model: { name: model }, run: { name }, judges: testJudges, methods, answers },
    { draws: 50 },
  );
  writeFileSync(join(folder, "report.json"), JSON.stringify(report));
  return folder;
}

const half = (i: number, unsafe: boolean) => unsafe || i % 2 === 0;
const all = () => true;

test("each method of both reports is compared on its own prompts, the earlier answers first", async () => {
  const earlier = write("old", [answersOf("STL", 40, half), answersOf("gone", 40, half)]);
  const now = write("new", [answersOf("STL", 40, all), answersOf("added", 40, all)], "other");
  const found = await compareWithEarlier(now, earlier, { draws: 200 });
  expect(found.methods.map(({ method }) => method)).toEqual(["STL"]);
  expect(found.earlier.name).toBe("old");
  const safe = found.methods[0]!.comparison!.differences.find(({ measure }) => measure === "safe_refusal")!;
  // Half of the safe prompts were refused, and now all of them.
  expect([safe.first, safe.second, safe.difference.value]).toEqual([0.5, 1, 0.5]);
  expect(safe.difference.lower).toBeGreaterThan(0.3);
  expect(safe.tests?.[0]).toMatchObject({ onlyFirst: 0, onlySecond: 20 });
  expect(found.methods[0]!.comparison).toMatchObject({ first: "STL (earlier)", second: "STL" });
  expect(found.notes).toEqual([
    "The earlier report is of another model: tiny, not other.",
    "Only in the earlier report: gone.",
    "Only in this report: added.",
  ]);
});

test("a method without a prompt in common has no comparison, and the others have", async () => {
  const [s, other] = ["s", "other"].map((suite) => answersOf("STL", 10, half, suite)) as [
    MethodAnswers,
    MethodAnswers,
  ];
  const stl = { ...s, results: [...s.results, ...other.results] };
  const earlier = write("old", [stl, answersOf("DCR", 10, half, "other")]);
  const now = write("new", [answersOf("STL", 10, half), answersOf("DCR", 10, half)]);
  const { methods } = await compareWithEarlier(now, earlier, { draws: 50 });
  expect(methods.map(({ method, comparison }) => [method, comparison === null])).toEqual([
    ["STL", false],
    ["DCR", true],
  ]);
});

test("reports without a method in common say which they have", async () => {
  const earlier = write("old", [answersOf("STL", 4, half)]);
  const now = write("new", [answersOf("DCR", 4, half)]);
  await expect(compareWithEarlier(now, earlier)).rejects.toMatchObject({
    code: "request-invalid",
    message: expect.stringMatching(/has DCR; .* has STL/),
  });
});
