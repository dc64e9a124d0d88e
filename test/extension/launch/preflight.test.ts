import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { offers, runsByDefault } from "../../../src/extension/launch/offers.ts";
import { type PreflightDoors, preflight } from "../../../src/extension/launch/preflight.ts";
import { findRoom, type Room } from "../../../src/extension/launch/room.ts";
import { DiscernError, type ErrorCode } from "../../../src/protocol/errors.ts";
import type { RecipeInput } from "../../../src/protocol/recipe.ts";
import { InternalError } from "../../../src/protocol/wireError.ts";
import { tempFolder } from "../../tempFolder.ts";

const starter = join(import.meta.dirname, "../../../datasets/starter");
const room: Room = { memory: { free: 64e9, total: 64e9 }, disk: 1e12, unwritable: null };
const facts = {
  name: "tiny",
  path: "/models/tiny",
  parameters: 1e8,
  bytes: 2e8,
  tokenizerProblem: null,
  linears: [
    { name: "self_attn.q_proj", inFeatures: 512, outFeatures: 512 },
    { name: "mlp.up_proj", inFeatures: 512, outFeatures: 1536 },
  ],
  architecture: {
    layers: 12,
    contextLength: 2048,
    hiddenSize: 512,
    intermediateSize: 1536,
    vocabSize: 32_000,
    tiedEmbeddings: true,
  },
};
let root: string;
beforeEach(() => {
  root = tempFolder();
});

const recipe: RecipeInput = {
  name: "dcr",
  model: "tiny",
  stages: [{ type: "contrastive" }, { type: "supervised", steps: 10 }],
};
function look(
  changes: Partial<RecipeInput> | string = {},
  doors: Partial<PreflightDoors> = {},
  stlAlone = false,
) {
  const text = typeof changes === "string" ? changes : JSON.stringify({ ...recipe, ...changes }, null, 2);
  return preflight(
    { text, root, stlAlone },
    {
      model: async () => facts,
      room: async () => room,
      machine: async () => ({ cores: 2 }),
      place: async () => ({ backend: "onnx", device: "cpu", reason: "no GPU" }),
      starter,
      ...doors,
    },
  );
}
const refusing = (code: ErrorCode) => ({
  model: () => Promise.reject(new DiscernError(code, `says ${code}`)),
});

describe("preflight", () => {
  test("finds nothing against a recipe of the starter set, and says what it costs", async () => {
    const { findings, cost, recipe: read } = await look();
    expect(findings).toEqual([]);
    expect(read?.stages).toHaveLength(2);
    expect(cost!.seconds).toBeGreaterThan(0);
  });

  test("asks for a place with the work of a run that does not train, since starting a backend may take longer than that", async () => {
    const asked: unknown[] = [];
    const doors: Partial<PreflightDoors> = {
      async place(_, work) {
        asked.push(work);
        return { backend: "onnx", device: "cpu", reason: "it takes about 15 s to start" };
      },
    };
    const suites = [{ name: "few", source: { file: "starter:pairs.csv", split: "test", limit: 6 } }];
    const evaluate = { suites, before: false, maxNewTokens: 32 };
    const { plan } = await look({ stages: [], evaluate }, doors);
    expect(plan[0]).toBe("Computed on cpu by onnx: it takes about 15 s to start.");
    await look({ stages: [], evaluate: { ...evaluate, scoreOnly: true } }, doors);
    await look({}, doors);
    expect(asked).toEqual([{ prompts: 6, tokens: 192 }, { prompts: 6, tokens: 0 }, null]);
  });

  test("finds nothing against a suite that is missing and that the recipe has reported", async () => {
    const evaluate = { suites: [{ name: "mine", source: { file: "gone.csv" } }] };
    expect((await look({ evaluate })).findings).toMatchObject([{ severity: "fault" }]);
    expect((await look({ evaluate: { ...evaluate, missing: "report" } })).findings).toEqual([]);
  });

  test("tells how many prompts are labelled, and where to label more", async () => {
    await writeFile(
      join(root, "p.csv"),
      "prompt,label\nHow do I kill a process?,seemingly_toxic\nOne,\nTwo,\n",
    );
    const data = { contrast: [{ file: "p.csv" }] };
    const { findings } = await look({ data });
    const faults = findings.filter(({ severity }) => severity === "fault");
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/0 toxic/),
      expect.stringMatching(/1 seemingly toxic/),
    ]);
    expect(faults[0]!.remedy).toEqual({ kind: "label", file: join(root, "p.csv") });
    // Without its contrastive stage the same recipe needs none of them.
    expect((await look({ data }, {}, true)).findings).toEqual([]);
  });

  test("tells what is wrong with a recipe at its place", async () => {
    const { findings, cost } = await look({ maxTokens: -1 });
    const text = JSON.stringify({ ...recipe, maxTokens: -1 }, null, 2);
    expect(findings).toMatchObject([{ severity: "fault", message: expect.stringMatching(/-1/) }]);
    const { remedy } = findings[0]!;
    expect(remedy?.kind === "recipe" && text.slice(remedy.offset)).toMatch(/^(-1|"maxTokens")/);
    expect(cost).toBeNull();
    expect((await look("{", {}, true)).findings).toMatchObject([{ severity: "fault" }]);
  });

  test("tells that a model is missing and how to have it, or that it cannot be read", async () => {
    const missing = await look({}, refusing("model-missing"));
    expect(missing.findings).toMatchObject([{ severity: "fault", remedy: { kind: "pull" } }]);
    const invalid = await look({}, refusing("weights-invalid"));
    expect(invalid.findings).toMatchObject([{ severity: "fault", remedy: { kind: "recipe" } }]);
  });

  test("does not take an engine that fails for a fault of the model", async () => {
    await expect(
      look({}, { model: () => Promise.reject(new InternalError("says internal")) }),
    ).rejects.toThrow("says internal");
    await expect(look({}, { model: () => Promise.reject(new Error("no engine")) })).rejects.toThrow(
      "no engine",
    );
  });

  test("refuses what does not fit in memory, as the engine would, and says that the disk will be full", async () => {
    const tight = { ...room, memory: { free: 1e8, total: 64e9 }, disk: 1e6 };
    const { findings } = await look({}, { room: async () => tight });
    expect(findings).toMatchObject([
      { severity: "fault", message: expect.stringMatching(/needs about .* of memory.*100 MB is free/) },
      { severity: "danger", message: expect.stringMatching(/1 MB is free/) },
    ]);
    const torch = { backend: "torch", device: "cpu", reason: "it is named" } as const;
    const onTorch = await look({}, { room: async () => tight, place: async () => torch });
    expect(onTorch.findings[0]).toMatchObject({
      severity: "fault",
      message: expect.stringMatching(/needs about .* of memory with PyTorch.*100 MB is free/),
    });
  });

  test("says where the run is computed and what stays in memory; on a GPU its memory is not this machine's", async () => {
    const { plan, findings } = await look();
    expect(findings).toEqual([]);
    expect(plan).toEqual([
      "Computed on cpu by onnx: no GPU.",
      expect.stringMatching(/^Weights as float32 .* stay in memory\. Estimated peak: /),
    ]);
    const torch = {
      backend: "torch",
      device: "cpu",
      dtype: "bfloat16",
      reason: "it has bf16 units",
    } as const;
    const onTorch = await look({}, { place: async () => torch });
    // The estimate is of the memory that PyTorch would take, and of the GPU's below.
    const machine: PreflightDoors["machine"] = async (_, __, choice) => ({ cores: 2, choice });
    const estimated = await look({}, { place: async () => torch, machine });
    expect(estimated.cost).toMatchObject({ memoryOf: "memory" });
    expect(estimated.cost!.memoryBytes).toBeGreaterThan(onTorch.cost!.memoryBytes + 0.3e9);
    expect(onTorch.plan[1]).toMatch(
      /^Weights as bfloat16 \(200 MB\) and activations stay in memory\. Estimated/,
    );
    const gpu = { backend: "torch", device: "cuda", dtype: "bfloat16", reason: "it is the fastest" } as const;
    const tight = { ...room, memory: { free: 1e8, total: 64e9 } };
    const onGpu = await look({}, { place: async () => gpu, room: async () => tight });
    expect(onGpu.findings).toEqual([]);
    const estimatedOnGpu = await look({}, { place: async () => gpu, machine });
    expect(estimatedOnGpu.cost).toMatchObject({ memoryOf: "GPU memory" });
    expect(onGpu.plan).toEqual(["Computed on cuda by torch (bfloat16): it is the fastest."]);
  });

  test("offers an environment where no Python can compute, and fails where the engine does", async () => {
    const place = () => Promise.reject(new DiscernError("python-unusable", "There is no Python."));
    const { findings } = await look({ backend: "torch" }, { place });
    expect(findings).toEqual([
      { severity: "fault", message: "There is no Python.", remedy: { kind: "python" } },
    ]);
    await expect(look({}, { place: () => Promise.reject(new Error("no engine")) })).rejects.toThrow(
      "no engine",
    );
  });
});

test("findings that a run will fail take the default from its start, and the gravest has the first remedy", async () => {
  const warned = await look({ maxTokens: 4096 });
  expect(warned.findings).toMatchObject([{ severity: "warning" }]);
  expect(runsByDefault(warned.findings)).toBe(true);
  const full = await look({ maxTokens: 4096 }, { room: async () => ({ ...room, disk: 1e6 }) });
  expect(runsByDefault(full.findings)).toBe(false);
  expect(offers(full.findings).map(({ title }) => title)).toEqual(["Open Recipe"]);
  expect(offers([{ severity: "danger", message: "full" }])).toHaveLength(1);
  expect(
    offers([
      { severity: "warning", message: "w", remedy: { kind: "recipe" } },
      { severity: "danger", message: "d", remedy: { kind: "python" } },
    ]).map(({ title }) => title),
  ).toEqual(["Create Environment…", "Open Recipe"]);
});

test("a finding names line and key; safety tuning alone has the faults of the file as it stands", async () => {
  const text = JSON.stringify(
    { ...recipe, stages: [{ type: "contrastive" }, { type: "supervized", steps: 3 }] },
    null,
    2,
  );
  for (const alone of [false, true]) {
    const { findings } = await look(text, {}, alone);
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^line 9, stages\[1\]\.type: Found "supervized", did you mean "supervised"\?/),
    ]);
  }
});

describe("room for a run", () => {
  test("is looked for in the closest folder that is there", async () => {
    const found = await findRoom(join(root, "not", "yet", "there"));
    expect(found.unwritable).toBeNull();
    expect(found.disk).toBeGreaterThan(0);
    expect(found.memory.total).toBeGreaterThanOrEqual(found.memory.free);
  });

  test("is not behind a link that leads nowhere", async () => {
    await symlink("/nowhere/runs", join(root, "dangling"));
    const { unwritable } = await findRoom(join(root, "dangling"));
    expect(unwritable).toBe(join(root, "dangling"));
  });

  test("is not where a file is in the way", async () => {
    await mkdir(join(root, "w"));
    await writeFile(join(root, "w", "runs"), "");
    const found = await findRoom(join(root, "w", "runs", "dcr"));
    expect(found.unwritable).toBe(join(root, "w", "runs"));
    const { findings } = await look({}, { room: async () => found });
    expect(findings).toMatchObject([
      { severity: "fault", message: expect.stringContaining(found.unwritable!) },
    ]);
  });
});
