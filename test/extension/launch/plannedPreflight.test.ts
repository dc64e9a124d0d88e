import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { offers, passedButtons, startChoices } from "../../../src/extension/launch/offers.ts";
import {
  type PlannedDoors,
  plannedPreflight,
  roomForRuns,
} from "../../../src/extension/launch/plannedPreflight.ts";
import type { Room } from "../../../src/extension/launch/room.ts";
import { DiscernError } from "../../../src/protocol/errors.ts";
import { parseRecipe } from "../../../src/recipe/recipeFile.ts";
import { tempFolder } from "../../tempFolder.ts";

const starter = join(import.meta.dirname, "../../../datasets/starter");
const room: Room = { memory: { free: 64e9, total: 64e9 }, disk: 1e12, unwritable: null };
const facts = {
  name: "tiny",
  path: "/models/tiny",
  parameters: 1e8,
  bytes: 2e8,
  tokenizerProblem: null,
  linears: [{ name: "self_attn.q_proj", inFeatures: 512, outFeatures: 512 }],
  architecture: {
    layers: 12,
    contextLength: 2048,
    hiddenSize: 512,
    intermediateSize: 1536,
    vocabSize: 32_000,
    tiedEmbeddings: true,
  },
};

/** What is found of a comparison of two methods with two seeds, beside a recipe. */
function look(changed: Partial<PlannedDoors> = {}, changes: object = {}, isUnwritten = false) {
  const root = tempFolder();
  const recipe = {
    name: "dcr",
    model: "tiny",
    stages: [{ type: "contrastive" }, { type: "supervised", steps: 10 }],
    evaluate: { missing: "report" },
  };
  writeFileSync(join(root, "dcr.discern.json"), JSON.stringify(recipe));
  const text = JSON.stringify(
    {
      name: "dcr-comparison",
      recipe: "dcr.discern.json",
      methods: [
        { name: "stl", stages: ["supervised"] },
        { name: "dcr-stl", stages: ["contrastive", "supervised"] },
      ],
      seeds: [0, 1],
      ...changes,
    },
    null,
    2,
  );
  return plannedPreflight(
    { text, path: join(root, "dcr.comparison.json"), isUnwritten },
    {
      ...doors,
      starter,
      ...changed,
    },
  );
}

const doors: Omit<PlannedDoors, "starter"> = {
  model: async () => facts,
  room: async () => room,
  machine: async () => ({ cores: 2 }),
  place: async () => ({ backend: "onnx", device: "cpu", reason: "no GPU" }),
};

/** Two methods with two seeds each, as a plan has them. */
const cells = ["stl", "dcr"].flatMap((method) =>
  [0, 1].map((seed) => {
    const contrastive = method === "stl" ? [] : [{ type: "contrastive" }];
    const stages = [...contrastive, { type: "supervised", steps: 10 }];
    const text = JSON.stringify({ name: method, model: "tiny", seed, stages });
    return { name: `${method}-${seed}`, recipe: parseRecipe(text, "dcr.discern.json") };
  }),
);
const at = { root: "/recipes", counts: {} };

describe("room for several runs", () => {
  test("is for the disk and time of all, and the memory of the one that needs most", async () => {
    const all = await roomForRuns(cells, at, doors);
    const alone = await Promise.all(cells.map(async (cell) => (await roomForRuns([cell], at, doors)).cost!));
    expect(all.findings).toEqual([]);
    const sum = (of: (cost: (typeof alone)[number]) => number) => alone.reduce((n, cost) => n + of(cost), 0);
    expect(all.cost!.diskBytes).toBe(sum(({ diskBytes }) => diskBytes));
    expect(all.cost!.seconds).toBeCloseTo(
      sum(({ seconds }) => seconds),
      6,
    );
    expect(all.cost!.memoryBytes).toBe(Math.max(...alone.map(({ memoryBytes }) => memoryBytes)));
    expect(all.plan[0]).toBe("Computed on cpu by onnx: no GPU.");
  });

  test("lacks where the disk has room for one and not for all, and Enter does not start them", async () => {
    const { diskBytes } = (await roomForRuns(cells, at, doors)).cost!;
    const room090 = async () => ({ ...room, disk: 0.9 * diskBytes });
    expect((await roomForRuns(cells.slice(1), at, { ...doors, room: room090 })).findings).toEqual([]);
    const { findings } = await roomForRuns(cells, at, { ...doors, room: room090 });
    expect(findings).toMatchObject([
      { severity: "danger", message: expect.stringMatching(/^The run folder needs about/) },
    ]);
    const remedies = offers(findings, "comparison").map(({ title }) => title);
    expect(passedButtons(findings, "Run Anyway", remedies)).toEqual(["Open Comparison", "Run Anyway"]);
  });

  test("in memory is refused with the runs that lack it", async () => {
    const small = async () => ({ ...room, memory: { free: 1e6, total: 64e9 } });
    const { findings } = await roomForRuns(cells, at, { ...doors, room: small });
    expect(findings.every(({ severity }) => severity === "fault")).toBe(true);
    expect(findings[0]!.message).toMatch(/^stl-0, and \d other runs?: tiny needs about .* of memory/);
  });

  test("on a place that there is not is told once, with its remedy", async () => {
    const place = async () => {
      throw new DiscernError("python-unusable", "No Python has torch.");
    };
    expect((await roomForRuns(cells, at, { ...doors, place })).findings).toEqual([
      {
        severity: "fault",
        message: "stl-0, and 3 other runs: No Python has torch.",
        remedy: { kind: "python" },
      },
    ]);
  });
});

describe("the preflight of a comparison", () => {
  test("has the faults of its file and of its model as findings", async () => {
    const missing = await look({
      model: async () => {
        throw new DiscernError("model-missing", "There is no model tiny.");
      },
    });
    expect(missing.cost).toBeNull();
    expect(missing.findings).toContainEqual(
      expect.objectContaining({ severity: "fault", remedy: { kind: "pull" } }),
    );
    const { findings, cost } = await look({}, { seedz: [1] });
    expect(cost).toBeNull();
    expect(findings[0]!.message).toMatch(/^line \d+, seedz/);
  });

  test("names no line of a file that is not written yet, and leads to no place in it", async () => {
    const { findings } = await look({}, { seedz: [1] }, true);
    expect(findings[0]).toMatchObject({ severity: "fault", remedy: { kind: "recipe" } });
    expect(findings[0]!.message).not.toMatch(/^line/);
    expect(findings[0]!.remedy).not.toHaveProperty("offset");
  });
});

describe("the order of buttons", () => {
  const danger = { severity: "danger" as const, message: "no room" };
  const warning = { severity: "warning" as const, message: "few prompts" };

  test("of a benchmark begins with its plan where it would fail, else with running it", () => {
    expect(startChoices([danger], { isResumable: false, isAdded: false })).toEqual(["plan", "run"]);
    expect(startChoices([warning, danger], { isResumable: true, isAdded: false })).toEqual([
      "plan",
      "resume",
      "run",
    ]);
    expect(startChoices([warning], { isResumable: true, isAdded: true })).toEqual([
      "add",
      "resume",
      "run",
      "plan",
    ]);
    expect(startChoices([], { isResumable: false, isAdded: true })).toEqual(["add", "run", "plan"]);
  });

  test("of a run begins with what can be done about it where it would fail", () => {
    expect(passedButtons([warning], "Run Anyway", ["Label Prompts"])).toEqual([
      "Run Anyway",
      "Label Prompts",
    ]);
    expect(passedButtons([danger], "Run Anyway", ["Open Recipe"])).toEqual(["Open Recipe", "Run Anyway"]);
  });
});
