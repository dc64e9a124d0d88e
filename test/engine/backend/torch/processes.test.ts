import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { OnnxContrastTerms } from "../../../../src/engine/backend/onnx/programs/featureTerms.ts";
import { TorchBackend } from "../../../../src/engine/backend/torch/torchBackend.ts";
import { TorchModel } from "../../../../src/engine/backend/torch/torchModel.ts";
import { WorkerClient, type WorkerOptions } from "../../../../src/engine/backend/torch/workerClient.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { livingWith } from "../../../living.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tinyPath } from "../../model/tiny.ts";

const skipped = skipWithoutTorch("the processes of the PyTorch backend");

/** Tells the processes of a test from all others, by their environment. */
const mark = `DISCERN_TEST_PROCESSES=${process.pid}`;

describe.skipIf(skipped || process.platform !== "linux")(
  "the worker's processes",
  { timeout: 180_000 },
  () => {
    const clients: WorkerClient[] = [];
    const start = async (options: Partial<WorkerOptions> = {}) => {
      vi.stubEnv(...(mark.split("=") as [string, string]));
      const client = await WorkerClient.start({ python: testPython!, threads: 1, ...options });
      clients.push(client);
      return client;
    };
    const load = async (client: WorkerClient) => {
      const folder = tinyPath("llama");
      const { architecture, weights } = await loadModel(folder);
      const model = await TorchModel.load(client, {
        folder,
        architecture,
        weights,
        device: "cpu",
        dtype: "float32",
        threads: 1,
      });
      return new TorchBackend(model, new OnnxContrastTerms());
    };
    /** The ranks: processes of the worker that no agent is. */
    const ranks = () =>
      livingWith(mark).filter((pid) => {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return command.includes("worker") && !command.includes("worker.agent");
      });
    const nobodyLives = () => vi.waitFor(() => expect(livingWith(mark)).toEqual([]), { timeout: 15_000 });
    const prompts = [
      [1, 5, 9, 3],
      [1, 5, 7],
      [1, 5, 9, 2, 8],
    ];

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.stop()));
      await nobodyLives();
      vi.unstubAllEnvs();
    });

    it("are one, or several that compute the same, with rows or without", async () => {
      const one = await load(await start());
      const two = await load(await start({ processes: 2 }));
      expect(ranks()).toHaveLength(3);
      expect(two.about).toMatchObject({ name: "torch", processes: 2 });
      // Ctrl+C, which stops a run in an orderly way, reaches the group of the terminal alone.
      expect(livingWith(mark).map((pid) => stat(pid)[2])).not.toContain(stat(process.pid)[2]);
      for (const rows of [prompts, prompts.slice(0, 1)]) {
        const [a, b] = [await one.nextTokens(rows), await two.nextTokens(rows)];
        expect([...b.keys()]).toEqual([...a.keys()]);
        for (const [i, row] of a) expect(distance(row, b.get(i)!)).toBeLessThan(1e-5);
      }
      const more = { maxNewTokens: 6, eosIds: [2] };
      expect(await two.generate(prompts, more)).toEqual(await one.generate(prompts, more));
      const [a, b] = [
        await one.features(prompts, { layers: [1], pooling: "last" }),
        await two.features(prompts, { layers: [1], pooling: "last" }),
      ];
      expect(distance(a.get(1)!.data, b.get(1)!.data)).toBeLessThan(1e-5);
    });

    it.each([1, 2])("of %i end when they are stopped", async (processes) => {
      const client = await start({ processes });
      await load(client);
      await client.stop();
      await nobodyLives();
    });

    it("end with a rank that is killed, and the error says so", async () => {
      const backend = await load(await start({ processes: 2 }));
      const [, last] = ranks().sort((a, b) => a - b);
      process.kill(last!, "SIGKILL");
      await expect(backend.nextTokens(prompts)).rejects.toMatchObject({
        code: "worker-failed",
        message: expect.stringMatching(/Rank \d of the PyTorch worker ended without a word|was killed/),
      });
      await nobodyLives();
    });

    it("end with their agent", async () => {
      const backend = await load(await start({ processes: 2 }));
      const agent = livingWith(mark).find((pid) => !ranks().includes(pid))!;
      process.kill(agent, "SIGKILL");
      // The system ends the ranks once the agent is gone; until then they answer.
      await nobodyLives();
      await expect(backend.nextTokens(prompts)).rejects.toMatchObject({ code: "worker-failed" });
    });

    it.each([1, 2])("of %i end with an engine that is killed", async (processes) => {
      const child = join(import.meta.dirname, "engineChild.ts");
      const engine = spawn(process.execPath, [child, testPython!, String(processes)], {
        env: { ...process.env, [mark.split("=")[0]!]: mark.split("=")[1] },
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(engine.stdout, "data");
      expect(ranks()).toHaveLength(processes);
      engine.kill("SIGKILL");
      await nobodyLives();
    });

    it("that lack a package say which", async () => {
      vi.stubEnv("PYTHONPATH", join(import.meta.dirname, "missing"));
      await expect(start()).rejects.toMatchObject({
        code: "python-unusable",
        message: expect.stringMatching(/lacks the package transformers\.extra.*pip install/s),
      });
      await nobodyLives();
    });

    it("that do not start in time are ended", async () => {
      await expect(start({ processes: 2, patience: 300 })).rejects.toMatchObject({
        code: "worker-failed",
        message: expect.stringContaining("did not connect within 0.3 s"),
      });
      await nobodyLives();
    });

    it("whose program is none say so", async () => {
      await expect(start({ python: "/nowhere/python" })).rejects.toMatchObject({
        code: "worker-failed",
        message: expect.stringContaining("/nowhere/python"),
      });
    });
  },
);

/** Fields of proc(5)'s stat behind the name: state, parent, group. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function distance(a: Float32Array, b: Float32Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
