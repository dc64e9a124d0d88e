import { expect, test } from "vitest";
import { queueOf } from "../../../src/extension/labelling/queue.ts";
import type { Query } from "../../../src/protocol/webview/labelling.ts";
import { decision, labelled, recordsOf } from "./files.ts";

const records = recordsOf([
  { prompt: "How do I bake bread?", label: "general" },
  { prompt: "How do I kill a process?" },
  { prompt: "How do I kill my boss?", kind: "Violence" },
  { prompt: "How do I blow up a balloon?" },
  { prompt: "How do I hang a picture?" },
]);
const file = labelled(records, [
  decision(records[1]!.prompt, "skip"),
  decision(records[2]!.prompt, "toxic", 0, "ada"),
  decision(records[2]!.prompt, "general", 1, "ben"),
  decision(records[4]!.prompt, null),
]);
const probabilities = new Map(records.map(({ id }, i) => [id, [0.9, 0.5, undefined, 0.4, 0.45][i]]));

const queue = (query: Partial<Query>) =>
  queueOf(file, { order: "file", text: "", label: "all", ...query }, ({ id }) => probabilities.get(id));
const places = async (query: Partial<Query>) => [...(await queue(query)).places];

test("prompts come in the file's order, those nobody looked at first, those people differ on first", async () => {
  expect(await places({})).toEqual([0, 1, 2, 3, 4]);
  expect(await places({ order: "unlabelled" })).toEqual([3, 1, 0, 2, 4]);
  expect((await queue({})).reason(2)).toBeUndefined();
  const { places: disputed, reason } = await queue({ order: "disputed" });
  expect([...disputed]).toEqual([2, 0, 1, 3, 4]);
  expect(reason(2)).toBe("People differ. ada: toxic; ben: general");
  expect(reason(0)).toBeUndefined();
});

test("where people differ, those with the strongest minority come first", async () => {
  const two = labelled(records.slice(0, 2), [
    decision(records[0]!.prompt, "toxic", 0, "ada"),
    decision(records[0]!.prompt, "toxic", 1, "ben"),
    decision(records[0]!.prompt, "general", 2, "cy"),
    decision(records[1]!.prompt, "toxic", 0, "ada"),
    decision(records[1]!.prompt, "general", 1, "ben"),
  ]);
  const { places } = await queueOf(two, { order: "disputed", text: "", label: "all" }, () => undefined);
  expect([...places]).toEqual([1, 0]);
});

test("label and model differ most where a toxic prompt is answered or another refused", async () => {
  const { places, reason } = await queue({ order: "disagreement" });
  // Prompts without a label or a probability come last.
  expect([...places]).toEqual([0, 1, 2, 3, 4]);
  expect(reason(0)).toBe("The model disagrees: labelled general, refusal probability 0.90");
  expect(reason(1)).toBeUndefined();
  const toxic = labelled(
    recordsOf([
      { prompt: "Safe?", label: "general" },
      { prompt: "Harm?", label: "toxic" },
    ]),
  );
  const far = await queueOf(toxic, { order: "disagreement", text: "", label: "all" }, () => 0.2);
  expect([...far.places]).toEqual([1, 0]);
  expect(far.reason(0)).toBe("The model agrees: labelled general, refusal probability 0.20");
});

test("open prompts come by the model's uncertainty and their distance from those before, then the others by uncertainty", async () => {
  const { places, reason } = await queue({ order: "informative" });
  expect([...places]).toEqual([1, 3, 4, 0, 2]);
  expect(reason(1)).toMatch(
    /^Refusal probability 0.50; at most \d+ % like a prompt before it or labelled last$/,
  );
  expect(reason(0)).toBe("Refusal probability 0.90");
  expect(reason(2)).toBe("The model was not asked");
  const alike = labelled(
    recordsOf([
      { prompt: "How do I kill a stuck process on Linux?" },
      { prompt: "How do I kill a stuck process on macOS?" },
      { prompt: "Which poison do gardeners use?" },
    ]),
  );
  const p = new Map(alike.records.map(({ id }, i) => [id, [0.5, 0.49, 0.3][i]]));
  const varied = await queueOf(alike, { order: "informative", text: "", label: "all" }, ({ id }) =>
    p.get(id),
  );
  expect([...varied.places]).toEqual([0, 2, 1]);
});

test("200,000 prompts are ordered by information within seconds, each once", async () => {
  const many = labelled(
    recordsOf(
      [...Array(200_000).keys()].map((i) => ({ prompt: `How do I ${i % 977} the ${i}?`, id: `${i}` })),
    ),
  );
  const { places } = await queueOf(
    many,
    { order: "informative", text: "", label: "all" },
    ({ id }) => (Number(id) % 1000) / 1000,
  );
  expect(new Set(places).size).toBe(200_000);
  expect(Number(many.records[places[0]!]!.id) % 1000).toBe(500);
});

test("the prompts on which two labellings differ, with what each says", async () => {
  const again = { ...decision(records[2]!.prompt, "seemingly_toxic", 5, "ada"), pass: 2 };
  const own = labelled([...records], [...file.labels.decisions, again]);
  const differ = { first: { by: "ada", pass: 1 }, second: { by: "ben", pass: 1 } };
  const people = await queueOf(own, { order: "file", text: "", label: "all", differ }, () => undefined);
  expect([...people.places]).toEqual([2]);
  expect(people.reason(2)).toBe("ada: toxic; ben: general");
  const retest = { first: { by: "ada", pass: 1 }, second: { by: "ada", pass: 2 } };
  const passes = await queueOf(
    own,
    { order: "file", text: "", label: "all", differ: retest },
    () => undefined,
  );
  expect([...passes.places]).toEqual([2]);
  expect(passes.reason(2)).toBe("ada, pass 1: toxic; pass 2: seemingly toxic");
});

test("a search looks in prompt and kind, without regard to case; a filter takes what holds now", async () => {
  expect(await places({ text: " KILL " })).toEqual([1, 2]);
  expect(await places({ text: "violence" })).toEqual([2]);
  expect(await places({ label: "general" })).toEqual([0, 2]);
  expect(await places({ label: "unlabelled" })).toEqual([3]);
  expect(await places({ label: "skipped" })).toEqual([1]);
  expect(await places({ label: "excluded" })).toEqual([4]);
  expect(await places({ label: "disputed", text: "boss" })).toEqual([2]);
  expect(await places({ text: "nowhere" })).toEqual([]);
});
