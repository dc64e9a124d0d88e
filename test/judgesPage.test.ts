import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { guardFamilies } from "../src/engine/evaluate/judges/guard/families.ts";
import { namedJudges } from "../src/engine/evaluate/judges/judges.ts";
import { judgesSchema, schemeQuestion } from "../src/protocol/judges.ts";

let text: string;
beforeAll(async () => {
  text = await readFile(join(import.meta.dirname, "../docs/judges.md"), "utf8");
});

/** The rows of the table under a heading, cell by cell, without head. */
function rowsUnder(heading: string): string[][] {
  const section = text.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("what docs/judges.md says of judges with a model", () => {
  test("is written as recipes take it", () => {
    const blocks = [...text.matchAll(/```jsonc?\n([\s\S]*?)```/g)].map(([, block]) => block!);
    const written = blocks.map((block) => JSON.parse(block.replace(/^"judges": /, "")));
    const types = written
      .flatMap((found) => judgesSchema.parse([found].flat()))
      .map((judge) => {
        return typeof judge === "string" ? judge : judge.type;
      });
    expect(new Set(types)).toEqual(
      new Set(["xstest", "protectai-rejection", "classifier", "guard", "endpoint"]),
    );
    expect(Object.keys(namedJudges)).toEqual(["protectai-rejection"]);
    const named = namedJudges["protectai-rejection"]!;
    expect(text).toContain(`\`protectai-rejection\` is \`${named.model}\``);
  });

  test("names every family of guards, with who asks and what it decides", () => {
    const rows = rowsUnder("Guard models");
    expect(rows.map(([name]) => name)).toEqual(Object.keys(guardFamilies).map((name) => `\`${name}\``));
    for (const [i, { ownTemplate, read, scored }] of Object.values(guardFamilies).entries()) {
      const [, asked, reading, score] = rows[i]!;
      expect(asked).toBe(ownTemplate ? "its own chat template" : "your file");
      expect(reading!.includes("harm only")).toBe(read.refusal === undefined);
      expect(score === "–").toBe(scored === undefined);
    }
  });

  test("names every scheme of endpoints with its question", () => {
    expect(
      Object.fromEntries(rowsUnder("Endpoints").map(([name, question]) => [name!.slice(1, -1), question])),
    ).toEqual(schemeQuestion);
  });
});
