import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { noGpu } from "../../../../src/engine/backend/deviceChoice/adapter.ts";
import { blockMilliseconds, trialBatch } from "../../../../src/engine/backend/deviceChoice/block.ts";
import { considerTorch } from "../../../../src/engine/backend/deviceChoice/choose.ts";
import { decide as decideAll, type TorchFound } from "../../../../src/engine/backend/deviceChoice/decide.ts";
import { knownTrial } from "../../../../src/engine/backend/deviceChoice/knownTrials.ts";
import { hasBfloat16 } from "../../../../src/engine/backend/deviceChoice/processor.ts";
import { tryTorch } from "../../../../src/engine/backend/deviceChoice/torchTrial.ts";
import type { Trial } from "../../../../src/engine/backend/deviceChoice/trial.ts";
import { tryDevice } from "../../../../src/engine/backend/deviceChoice/tryDevice.ts";
import { Device } from "../../../../src/engine/backend/onnx/runtime/device.ts";
import type { Architecture } from "../../../../src/engine/model/architecture.ts";
import { openModel } from "../../../../src/engine/model/source.ts";
import { DiscernError } from "../../../../src/protocol/errors.ts";
import type { UsablePython } from "../../../../src/protocol/python.ts";
import type { Work } from "../../../../src/protocol/work.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { skipWhen } from "../../../skip.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyModels, tinyPath } from "../../model/tiny.ts";

const trial = (found: Partial<Trial>): Trial => ({
  problem: null,
  software: null,
  milliseconds: null,
  ...found,
});
const timed = (milliseconds: number) => trial({ milliseconds });

const batch = { rows: 8, tokens: 64 };
const decide = (cpu: Trial, webgpu: Trial, noWebgpu: string | null, torch: TorchFound | null = null) =>
  decideAll({ cpu, webgpu, noWebgpu, torch, batch });
/** PyTorch on a device, with milliseconds for plain and compiled bfloat16; a text is why there are none. */
const torch = (device: "cpu" | "cuda", ...times: (number | string)[]): TorchFound => ({
  python: "/env/bin/python",
  device,
  trials: times.map((time, i) => ({
    ...{ dtype: "bfloat16", compiled: i === 1 },
    milliseconds: typeof time === "number" ? time : null,
    problem: typeof time === "number" ? null : time,
  })),
});

describe("the choice", () => {
  test("is the faster device, and says both times", () => {
    expect(decide(timed(20.4), timed(3.21), null)).toMatchObject({
      ...{ backend: "onnx", device: "webgpu" },
      reason: expect.stringMatching(/over 8 × 64 tokens, takes 20\.4 ms on cpu and 3\.21 ms on webgpu$/),
      blockMilliseconds: { cpu: 20.4, webgpu: 3.21 },
    });
    expect(decide(timed(3), timed(20), null)).toMatchObject({
      device: "cpu",
      blockMilliseconds: { cpu: 3, webgpu: 20 },
    });
    expect(decide(timed(3), timed(3), null).device).toBe("cpu");
  });

  test("is webgpu where that was timed and the CPU did not finish, and says why", () => {
    expect(decide(trial({ problem: "it did not finish" }), timed(1), null)).toMatchObject({
      device: "webgpu",
      reason: "cpu was not considered: it did not finish",
    });
  });

  test.each<[string, Trial, Trial, string | null, RegExp]>([
    ["no GPU", timed(9), timed(1), "no device of one", /no device of one/],
    ["a device that does not start", timed(9), trial({ problem: "install it" }), null, /install it/],
    [
      "a software driver",
      timed(9),
      trial({ software: "SwiftShader", milliseconds: 1 }),
      null,
      /SwiftShader.*on the CPU/,
    ],
    ["nothing timed", trial({}), trial({}), null, /nothing was timed/],
  ])("stays with the cpu for %s, and says why", (_, cpu, webgpu, unreachable, reason) => {
    const choice = decide(cpu, webgpu, unreachable);
    expect(choice).toMatchObject({
      ...{ backend: "onnx", device: "cpu" },
      reason: expect.stringMatching(/^webgpu was not considered: /),
    });
    expect(choice.reason).toMatch(reason);
    expect(choice.blockMilliseconds).toBeUndefined();
  });

  test("is PyTorch on a GPU where that is fastest, with its Python, its type and all that was considered", () => {
    const choice = decide(timed(40), timed(12), null, torch("cuda", 2.5));
    expect(choice).toMatchObject({
      ...{ backend: "torch", device: "cuda", dtype: "bfloat16", compile: false, python: "/env/bin/python" },
      reason: expect.stringMatching(
        /40 ms on cpu, 12 ms on webgpu and 2\.5 ms on cuda by torch \(bfloat16\)$/,
      ),
    });
    expect(choice.candidates?.map(({ backend, device }) => `${backend} ${device}`)).toEqual([
      "onnx cpu",
      "onnx webgpu",
      "torch cuda",
    ]);
    expect(decide(timed(40), timed(1), null, torch("cuda", 2.5)).device).toBe("webgpu");
  });

  test("is a GPU that alone holds the model, and says so", () => {
    const choice = decide(trial({ problem: "It did not finish." }), trial({}), "too large", torch("cuda", 9));
    expect(choice).toMatchObject({ backend: "torch", device: "cuda" });
    expect(choice.reason).toBe(
      "one decoder block, forward and backward over 8 × 64 tokens, takes 9 ms on cuda by torch (bfloat16); " +
        "cpu was not considered: It did not finish; webgpu was not considered: too large",
    );
  });

  test("is PyTorch on the CPU only where that is worth its start, compiled where that is faster", () => {
    const alone = "no GPU";
    expect(decide(timed(100), trial({}), alone, torch("cpu", 70, 60))).toMatchObject({
      ...{ backend: "torch", device: "cpu", dtype: "bfloat16", compile: true },
      reason: expect.stringMatching(/and 60 ms on cpu by torch \(bfloat16, compiled\)/),
    });
    expect(decide(timed(100), trial({}), alone, torch("cpu", 60, "no compiler"))).toMatchObject({
      ...{ backend: "torch", compile: false },
      reason: expect.stringMatching(/cpu by torch \(bfloat16, compiled\) was not considered: no compiler/),
    });
    const near = decide(timed(100), trial({}), alone, torch("cpu", 120, 85));
    expect(near).toMatchObject({ backend: "onnx", device: "cpu" });
    expect(near.reason).toMatch(
      /PyTorch on the CPU is taken where it is 1\.25 times as fast, since it computes in bfloat16/,
    );
    expect(near.python).toBeUndefined();
  });

  test("weighs the start of a backend against the work, and says both", () => {
    // A unit of work takes as many seconds as a block takes milliseconds, PyTorch starts in 15 s and onnx in 2 s.
    const decided = (units: number) =>
      decideAll({
        ...{ cpu: timed(1), webgpu: trial({}), noWebgpu: "no GPU", torch: torch("cuda", 0.1), batch },
        work: {
          words: `${units} prompts`,
          seconds: ({ backend }, milliseconds) => (backend === "torch" ? 15 : 2) + units * milliseconds,
        },
      });
    expect(decided(8)).toMatchObject({
      backend: "onnx",
      reason: expect.stringMatching(
        /1 ms on cpu and 0\.1 ms on cuda by torch \(bfloat16\); with the start, 8 prompts take about 10 s on cpu and 16 s on cuda by torch/,
      ),
    });
    expect(decided(100)).toMatchObject({
      backend: "torch",
      reason: expect.stringMatching(/100 prompts take about 2 min on cpu and 25 s on cuda by torch/),
    });
  });

  test("says why PyTorch was not considered", () => {
    const choice = decide(trial({}), trial({}), "no GPU.", {
      problem: "no Python of this machine can run it",
    });
    expect(choice).toMatchObject({ backend: "onnx", device: "cpu" });
    expect(choice.reason).toBe(
      "webgpu was not considered: no GPU; torch was not considered: no Python of this machine can run it",
    );
  });
});

describe("a trial by PyTorch", () => {
  const request = async () => ({
    device: "cpu" as const,
    threads: 1,
    block: { architecture: (await openModel(tinyPath("llama"))).architecture, rank: 4 },
    variants: [
      { dtype: "float32", compiled: false },
      { dtype: "bfloat16", compiled: false },
    ] as const,
  });
  const missing = skipWithoutTorch("a block timed by PyTorch");

  test.skipIf(missing)(
    "times a block in each type, in a process of its own",
    { timeout: 120_000 },
    async () => {
      const found = await tryTorch({ ...(await request()), python: testPython! });
      expect(found.map(({ dtype, problem }) => [dtype, problem])).toEqual([
        ["float32", null],
        ["bfloat16", null],
      ]);
      for (const { milliseconds } of found) expect(milliseconds).toBeGreaterThan(0);
    },
  );

  test("that breaks, or hangs, has a problem for what it did not time, and keeps what it did", async () => {
    const file = join(tempFolder(), "python");
    const line = JSON.stringify({
      trial: { dtype: "float32", compiled: false, milliseconds: 3, problem: null },
    });
    await writeFile(file, `#!/bin/sh\necho 'hello'\necho '${line}'\necho 'out of memory' >&2\nexit 9\n`, {
      mode: 0o755,
    });
    const [first, second] = await tryTorch({ ...(await request()), python: file });
    expect(first).toMatchObject({ milliseconds: 3, problem: null });
    expect(second).toEqual({
      ...{ dtype: "bfloat16", compiled: false, milliseconds: null },
      problem: "Its process ended (9): out of memory",
    });
    await writeFile(file, "#!/bin/sh\nsleep 60\n", { mode: 0o755 });
    const late = await tryTorch({ ...(await request()), python: file }, 200);
    expect(late.map(({ problem }) => problem)).toEqual(Array(2).fill("It did not finish within 0.2 s."));
    const absent = await tryTorch({ ...(await request()), python: join(file, "none") });
    expect(absent[0]?.problem).toMatch(/ENOTDIR|ENOENT/);
  });
});

/** SmolLM2-135M's shape, with a vocabulary of so many tokens. */
async function smollm2(vocabSize = 49_152): Promise<Architecture> {
  const { architecture } = await openModel(tinyPath("llama"));
  return {
    ...architecture,
    ...{ layers: 30, vocabSize, hiddenSize: 576, intermediateSize: 1536 },
    ...{ heads: 9, kvHeads: 3, headDim: 64 },
  };
}

// Elsewhere PyTorch is out of the question before anything else is weighed.
const possible = noGpu() === null || hasBfloat16() !== false;

test.skipIf(skipWhen(!possible, "a model that PyTorch cannot hold: no GPU, no units for bfloat16"))(
  "PyTorch is not considered on a CPU whose memory does not hold the model, which onnx reads block by block",
  async () => {
    const python = async (): Promise<UsablePython> => ({
      ...{ origin: "PATH", executable: "/usr/bin/python3", problems: [] },
      facts: {
        ...{ python: "3.12.4", executable: "/usr/bin/python3", prefix: "/usr", toolkit: null },
        ...{ packages: {}, broken: {}, accelerators: [], acceleratorProblem: null, distributed: [] },
        ...{ cpu: { bf16: true, amx: false }, compiler: false },
      },
    });
    // Some 5.8 million million numbers.
    const block = { architecture: await smollm2(1e10), rank: 16 };
    expect(await considerTorch(block, { python })).toEqual({
      found: {
        problem: expect.stringMatching(
          /^the model takes about [\d.,]+ [TG]B in bfloat16, and [\d.]+ [GM]B of memory is free$/,
        ),
      },
      gpuBytes: null,
    });
  },
);

describe("PyTorch beside work that is known", () => {
  /** What is found of PyTorch for a model of SmolLM2-135M's size, where onnx takes so many milliseconds for a block. */
  async function considered(work: Work, milliseconds = 60) {
    const folder = tempFolder();
    const stub = join(folder, "stub.cjs");
    await writeFile(stub, `process.send({ problem: null, milliseconds: ${milliseconds} });\n`);
    const architecture = await smollm2();
    let asked = 0;
    const python = async (): Promise<never> => {
      asked++;
      throw new DiscernError("python-unusable", "none");
    };
    const block = { architecture, rank: 16 };
    const { found } = await considerTorch(block, { work, python, trial: [process.execPath, stub] });
    return { asked, problem: found !== null && "problem" in found ? found.problem : null };
  }
  test.skipIf(skipWhen(!possible, "PyTorch's start against little work: no GPU, no units for bfloat16"))(
    "is not started where onnx has done it before, and is asked where there is more",
    async () => {
      const few = await considered({ prompts: 24, tokens: 0 });
      expect(few.asked).toBe(0);
      expect(few.problem).toMatch(
        /^it takes about 10 s to start, and onnx on the CPU takes about \d+ s for 24 prompts, its start included$/,
      );
      expect((await considered({ prompts: 2, tokens: 128 })).problem).toMatch(
        /for 2 prompts and up to 128 tokens of answers/,
      );
      const many = await considered({ prompts: 5_000, tokens: 0 });
      expect(many.asked).toBe(1);
      expect((await considered({ prompts: 24, tokens: 0 }, 6_000)).asked).toBe(1);
    },
  );
});

describe("times that are known", () => {
  test("are not taken again, unless they are asked for anew; what failed is", async () => {
    vi.stubEnv("DISCERN_TRIALS", tempFolder());
    let made = 0;
    const time = (key: unknown, anew = false, keeps = true) =>
      knownTrial(key, z.object({ made: z.int() }), {
        anew,
        keeps: () => keeps,
        make: async () => ({ made: ++made }),
      });
    expect([await time("a"), await time("a"), await time("b")].map((one) => one.made)).toEqual([1, 1, 2]);
    expect([await time("a", true), await time("a")].map((one) => one.made)).toEqual([3, 3]);
    expect([await time("c", false, false), await time("c", false, false)].map((one) => one.made)).toEqual([
      4, 5,
    ]);
    vi.unstubAllEnvs();
  });
});

describe("what is timed", () => {
  test("is a usual batch of a small model, and of a large one what a CPU computes in about a second", async () => {
    const { architecture } = await openModel(tinyPath("llama"));
    const shape = (hiddenSize: number, intermediateSize: number, heads: number, kvHeads: number) =>
      trialBatch({
        ...architecture,
        hiddenSize,
        intermediateSize,
        heads,
        kvHeads,
        headDim: hiddenSize / heads,
      });
    expect(shape(576, 1536, 9, 3)).toMatchObject({ rows: 8, tokens: 64 });
    expect(shape(1536, 8960, 12, 2).rows).toBe(3);
    expect(shape(4096, 14_336, 32, 8).rows).toBe(1);
  });

  test("is known of a processor by its flags", () => {
    expect(hasBfloat16("flags\t\t: fpu avx512_bf16 amx_tile\n")).toBe(true);
    expect(hasBfloat16("Features\t: fp asimd bf16\n")).toBe(true);
    expect(hasBfloat16("flags\t\t: fpu avx2\n")).toBe(false);
    expect(hasBfloat16(null)).toBeNull();
  });
});

describe("a trial", () => {
  test.each(tinyModels)("times a block of %s, with adapters and without", async (name) => {
    const { architecture } = await openModel(tinyPath(name));
    const device = await Device.open("cpu", { threads: 1 });
    for (const rank of [4, null])
      expect(await blockMilliseconds(device, { architecture, rank })).toBeGreaterThan(0);
    await device.dispose();
  });

  test("runs in a process of its own", async () => {
    const { architecture } = await openModel(tinyPath("llama"));
    const found = await tryDevice({ device: "cpu", threads: 1, block: { architecture, rank: 4 } });
    expect(found).toEqual({ problem: null, software: null, milliseconds: expect.any(Number) });
    expect(found.milliseconds).toBeGreaterThan(0);
  });

  test("is given the request as its last argument", async () => {
    const stub = join(tempFolder(), "stub.cjs");
    await writeFile(stub, "process.send({ problem: process.argv.at(-1) });\n");
    const { problem } = await tryDevice({ device: "webgpu" }, [process.execPath, stub]);
    expect(JSON.parse(problem ?? "")).toEqual({ device: "webgpu" });
  });
});
