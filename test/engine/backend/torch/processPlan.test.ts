import { describe, expect, it } from "vitest";
import { endingFailure, requestFailure, smallerPlan } from "../../../../src/engine/backend/torch/failure.ts";
import { joinCommand } from "../../../../src/engine/backend/torch/joinCommand.ts";
import { processArguments } from "../../../../src/engine/backend/torch/launch.ts";
import { torchSchema } from "../../../../src/protocol/backend.ts";
import { planProcesses } from "../../../../src/recipe/torchProcesses.ts";
import { gpu } from "../../python/fakePython.ts";

const torch = (given: object = {}) => torchSchema.parse(given);
const nodes = { count: 2, rendezvous: "node1:29500", id: "run" };
const billion = 1e9;

describe("the processes of a model", () => {
  it.each([
    ["on the CPU are one, in float32", {}, [], 8, { processes: 1, shard: false, dtype: "float32" }],
    [
      "are one per GPU, in bfloat16 and whole where it fits",
      {},
      [gpu, gpu],
      8,
      { processes: 2, shard: false, dtype: "bfloat16" },
    ],
    [
      "hold shares where the model does not fit",
      {},
      [gpu, gpu],
      70,
      { processes: 2, shard: true, dtype: "bfloat16" },
    ],
    ["hold all of it where there is one", {}, [gpu], 70, { processes: 1, shard: false, dtype: "bfloat16" }],
    [
      "hold all of it where that is asked for",
      { shard: "replicate" },
      [gpu, gpu],
      70,
      { processes: 2, shard: false, dtype: "bfloat16" },
    ],
    [
      "hold shares on several machines",
      { nodes },
      [gpu],
      70,
      { processes: 1, shard: true, dtype: "bfloat16" },
    ],
    [
      "compute in float32 on a GPU without bf16",
      {},
      [{ ...gpu, bf16: false }],
      1,
      { processes: 1, shard: false, dtype: "float32" },
    ],
    [
      "are as many as are asked for",
      { processes: 3, dtype: "bfloat16", shard: "shard" },
      [],
      1,
      { processes: 3, shard: true, dtype: "bfloat16" },
    ],
  ])("%s", (_, given, accelerators, size, expected) => {
    expect(planProcesses(torch(given), accelerators, size * billion)).toEqual(expected);
  });

  it("cannot be one that holds a share", () => {
    expect(() => planProcesses(torch({ shard: "shard" }), [gpu], billion)).toThrow(/shares need several/);
  });

  it("are started by plain Python, by an agent, or by an agent that meets others", () => {
    expect(processArguments({ processes: 1 })).toEqual(["-m", "worker"]);
    expect(processArguments({ processes: 4 })).toEqual(
      expect.arrayContaining(["--standalone", "--nproc-per-node", "4"]),
    );
    expect(processArguments({ processes: 1, nodes: { ...nodes, rank: 1 } }).join(" ")).toMatch(
      /worker\.agent --rdzv-backend static --rdzv-endpoint node1:29500 --rdzv-id run .*--nnodes 2 --node-rank 1 .*-m worker$/,
    );
    expect(joinCommand(nodes, 4)).toBe(
      "discern torch join --nodes 2 --rank 1 --rendezvous node1:29500 --id run --processes 4",
    );
  });
});

describe("why a worker failed", () => {
  const choices = { device: "cuda", processes: 2, dtype: "float32", shard: false, keeps: true } as const;

  it("names the next smaller plan where memory does not suffice", () => {
    const error = { code: "out-of-memory", message: "CUDA out of memory. Tried to allocate 2.00 GiB." };
    expect(requestFailure("trainer.answers", error, choices)).toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(/Tried to allocate.*Next smaller plan: .*--set memory=recompute/),
    });
    expect(smallerPlan({ ...choices, keeps: false })).toContain("torch.dtype=bfloat16");
    expect(smallerPlan({ ...choices, keeps: false, dtype: "bfloat16" })).toContain("torch.shard=shard");
    expect(smallerPlan({ ...choices, keeps: false, dtype: "bfloat16", shard: true })).toContain(
      "smaller batches",
    );
  });

  const setting = { python: "/opt/python", processes: 2, nodes };
  const ending = { exitCode: 1, signal: null, problem: null };
  it.each([
    [
      "ModuleNotFoundError: No module named 'transformers'",
      "python-unusable",
      /lacks the package transformers/,
    ],
    [
      "ImportError: cannot import name 'AttentionInterface'",
      "python-unusable",
      /does not fit.*discern torch install/,
    ],
    ["torch.OutOfMemoryError: CUDA out of memory.", "out-of-memory", /memory "recompute"/],
    ["RuntimeError: [Errno 98] Address already in use", "worker-failed", /node1:29500 is in use/],
    [
      "DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined.",
      "worker-failed",
      /did not meet.*discern torch join/,
    ],
    ["  exitcode  : -9 (pid: 4)", "worker-failed", /for lack of memory\. Resume the run/],
    ["Segmentation fault", "worker-failed", /It said last:\nTraceback:\nSegmentation fault/],
  ])("is read from what was printed: %s", (line, code, message) => {
    expect(endingFailure(setting, "before it had connected", ending, ["Traceback:", line])).toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
