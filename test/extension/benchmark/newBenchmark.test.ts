import { expect, test } from "vitest";
import { stringJudges } from "../../../src/engine/evaluate/judges/judges.ts";
import {
  judgeChoices,
  methodChoices,
  newBenchmark,
  presetChoices,
  seedsOf,
  suiteChoice,
} from "../../../src/extension/benchmark/newBenchmark.ts";
import { benchmarkSchema, benchmarkSuffix } from "../../../src/protocol/benchmark.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";
import { sweepSuffix } from "../../../src/protocol/sweep.ts";
import { benchmarkPresets } from "../../../src/recipe/benchmarkPresets.ts";
import { sweepPresets } from "../../../src/recipe/sweepPresets.ts";
import { knownSuites } from "../../../src/suites/registry.ts";

const choices = {
  ...{ name: "small", recipe: "r.discern.json", seeds: [0, 1], judges: ["xstest"] },
  methods: methodChoices.filter(({ picked }) => picked).map(({ method }) => method),
  suites: ["xstest"],
};

test("what a person chose is a benchmark, with STL as its reference where it is compared", () => {
  const parsed = benchmarkSchema.parse(newBenchmark(choices));
  expect(parsed.methods.map(({ name }) => name)).toEqual(["untrained", "STL", "DCR → STL"]);
  expect([parsed.reference, parsed.seeds, parsed.suites.map(({ name }) => name)]).toEqual([
    ...["STL", [0, 1], ["xstest"]],
  ]);
  const without = newBenchmark({ ...choices, methods: choices.methods.filter(({ name }) => name !== "STL") });
  expect(benchmarkSchema.parse(without).reference).toBe("DCR → STL");
});

test("every inference-time method is offered on STL, with the one it is on", () => {
  const all = newBenchmark({ ...choices, methods: methodChoices.map(({ method }) => method) });
  const { methods } = benchmarkSchema.parse(all);
  const types = methods.flatMap(({ steering }) => (steering ? [steering.type] : []));
  expect(types).toEqual(steeringSchema.options.map(({ shape }) => shape.type.value));
  expect(methods.filter(({ steering }) => steering).every(({ on }) => on === "STL")).toBe(true);
});

test("every preset of a benchmark or sweep is offered whole, with its size", () => {
  expect(presetChoices.map(({ label }) => label)).toEqual(
    Object.keys({ ...benchmarkPresets, ...sweepPresets }).map((key) => `preset:${key}`),
  );
  for (const { description, value, suffix } of presetChoices) {
    if (suffix !== benchmarkSuffix) {
      expect(description).toMatch(/^sweep of \d+ trials · smollm2-135m$/);
      expect(suffix).toBe(sweepSuffix);
      continue;
    }
    const { methods, suites } = benchmarkSchema.parse(value);
    expect(description).toContain(`${methods.length} methods · ${suites.length} suites`);
  }
});

test("every judge that needs no model is offered", () => {
  expect(judgeChoices.map(({ id }) => id).sort()).toEqual(stringJudges.map(({ id }) => id).sort());
  expect(methodChoices.every(({ about }) => about !== "")).toBe(true);
});

test("a suite says where it lies, or what is missing and how it is had", () => {
  const declaration = knownSuites.find(({ id }) => id === "xstest")!;
  const [file] = declaration.files;
  const there = suiteChoice(
    { declaration, folder: null },
    { files: [{ file: file!, path: "/data/xstest.csv", place: "folder" }], missing: [] },
  );
  expect(there).toMatchObject({ isMissing: false, label: "XSTest (xstest)" });
  expect(there.description).toBe("250 safe, 200 unsafe · CC BY 4.0");
  expect(there.detail).toMatch(/^on this machine: \/data\/xstest\.csv · Safe prompts/);
  const missing = suiteChoice({ declaration, folder: null }, { files: [], missing: [file!] });
  expect(missing.isMissing).toBe(true);
  expect(missing.detail).toContain(`missing: get it with: discern suites fetch xstest (${file!.file})`);
  const gated = knownSuites.find((one) => one.access !== "open")!;
  const detail = suiteChoice({ declaration: gated, folder: null }, { files: [], missing: [...gated.files] });
  expect(detail.detail).toContain(`access is ${gated.access}`);
});

test.each<[string, number[] | null]>([
  ["0, 1, 2", [0, 1, 2]],
  ["0-3", [0, 1, 2, 3]],
  ["7 7", [7]],
  ["", null],
  ["one", null],
  ["3-1", null],
  ["1, x", null],
  ["0-1000000", null],
])("%j are the seeds %j", (text, seeds) => {
  expect(seedsOf(text)).toEqual(seeds);
});
