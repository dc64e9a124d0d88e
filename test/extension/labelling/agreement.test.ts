import { expect, test } from "vitest";
import { agreementOn } from "../../../src/extension/labelling/agreement.ts";
import { agreementText } from "../../../src/extension/labelling/agreementText.ts";
import type { LabelRecord } from "../../../src/protocol/label.ts";
import { decision } from "./files.ts";

const prompts = ["a", "b", "c", "d", "e"];
const ids = prompts.map((prompt) => decision(prompt, null).id);
const says = (by: string, labels: LabelRecord["label"][], second = 0, pass?: number): LabelRecord[] =>
  labels.map((label, i) => ({ ...decision(prompts[i]!, label, second, by), ...(pass && { pass }) }));

test("two people agree on the prompts both labelled; what is skipped, taken back or not in the file does not count", () => {
  const log = [
    ...says("ada", ["toxic", "toxic", "general", "skip", null]),
    ...says("ben", ["toxic", "general", "general", "general", null]),
    ...says("ada", ["seemingly_toxic"], 1),
    decision("elsewhere", "toxic", 0, "ada"),
    decision("elsewhere", "toxic", 0, "ben"),
  ];
  const { labellings, people, everybody, retests } = agreementOn(ids, log);
  expect(labellings).toEqual([
    { by: "ada", pass: 1, n: 4 },
    { by: "ben", pass: 1, n: 5 },
  ]);
  expect([everybody, retests]).toEqual([undefined, []]);
  expect(people).toHaveLength(1);
  expect(people[0]).toMatchObject({ n: 4, share: { value: 0.5 } });
  // Rows are Ada's: toxic, seemingly toxic, general, excluded.
  expect(people[0]!.confusion).toEqual([
    [0, 0, 1, 0],
    [1, 0, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ]);
});

test("of three people there is an alpha, and a second pass is held against the first of the same person alone", () => {
  const log = [
    ...says("ada", ["toxic", "general", "general"]),
    ...says("ben", ["toxic", "general", "toxic"]),
    ...says("cy", ["toxic", "toxic"]),
    ...says("ada", ["toxic", "toxic", "general"], 2, 2),
  ];
  const { people, everybody, retests } = agreementOn(ids, log);
  expect(people.map(({ first, second, n }) => [first.by, second.by, n])).toEqual([
    ["ada", "ben", 3],
    ["ada", "cy", 2],
    ["ben", "cy", 2],
  ]);
  expect(everybody!.n).toBe(3);
  expect(everybody!.alpha.value).not.toBeNull();
  expect(retests).toHaveLength(1);
  expect(retests[0]).toMatchObject({
    first: { by: "ada", pass: 1 },
    second: { by: "ada", pass: 2 },
    n: 3,
    share: { value: 2 / 3 },
  });
  const csv = agreementText(agreementOn(ids, log), "csv").split("\r\n");
  expect(csv[0]).toBe("figure,first,first_pass,second,second_pass,label,second_label,n,value,lower,upper");
  expect(csv.filter((line) => line.startsWith("kappa,"))).toHaveLength(4);
  expect(csv).toContain("count,ada,1,ada,2,general,toxic,3,1,,");
  expect(JSON.parse(agreementText(agreementOn(ids, log), "json")).retests[0].n).toBe(3);
});
