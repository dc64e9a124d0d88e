import { expect, it } from "vitest";
import {
  madeWords,
  planLines,
  takesOpenings,
  withOpenings,
} from "../../../src/extension/laboratory/openingsUse.ts";

it("names the file where each kind of file measures by openings, relative to it, and leaves the rest", () => {
  const recipe = '{\n  // mine\n  "name": "a",\n  "probes": { "every": 5 }\n}\n';
  const changed = withOpenings(recipe, "/w/recipes/a.discern.json", "/w/own.openings.json");
  expect(changed).toContain("// mine");
  expect(JSON.parse(changed.replace("// mine", ""))).toEqual({
    name: "a",
    probes: { every: 5, openings: "../own.openings.json" },
  });
  for (const ending of ["comparison", "benchmark", "sweep"]) {
    const path = `/w/a.${ending}.json`;
    expect(takesOpenings(path)).toBe(true);
    const text = withOpenings('{ "openings": ["No"] }', path, "/w/sub/own.openings.json");
    expect(JSON.parse(text)).toEqual({ openings: "sub/own.openings.json" });
  }
  expect(takesOpenings("/w/report.json")).toBe(false);
});

const plan = {
  ...{ models: ["tiny", "stl-0"], prompts: 120, answers: 1920, tokens: 122_880, seconds: 600 },
  judge: { title: "Arditi et al.", immediate: true, isService: false },
  notices: ["3 rows are empty."],
};

it("says the cost before anything starts, and where answers are sent", () => {
  expect(planLines(plan, { samples: 8, url: undefined })).toEqual([
    "1,920 sampled answers of at most 64 tokens: 8 to each of 120 prompts by tiny, stl-0.",
    "About 10 min at most.",
    "Judge: Arditi et al.",
    "3 rows are empty.",
  ]);
  const judge = { title: "reader", immediate: false, isService: true };
  expect(
    planLines({ ...plan, seconds: null, judge }, { samples: 8, url: "https://api.example.org/v1" }),
  ).toEqual([
    expect.stringContaining("1,920 sampled answers"),
    "A time that is not known on this device, and the time of the judge.",
    "Judge: reader",
    "1,920 prompts and answers are sent to https://api.example.org/v1, which may cost money.",
    "3 rows are empty.",
  ]);
});

it("says what the openings catch, that there are caveats, and what a service cost", () => {
  const made = { file: "/w/own.openings.json", openings: ["No"], coverage: 0.9, falseShare: null };
  expect(madeWords({ ...made, caveats: ["Few refusals."], spent: ["reader: 4 requests."] })).toBe(
    "own.openings.json has 1 opening. On held-out prompts they begin 90 % of refusals and – of compliances. 1 caveat at the end of the file: read before you use it. reader: 4 requests.",
  );
});
