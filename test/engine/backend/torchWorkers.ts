import { OnnxContrastTerms } from "../../../src/engine/backend/onnx/programs/featureTerms.ts";
import { TorchBackend } from "../../../src/engine/backend/torch/torchBackend.ts";
import { type LoadOptions, TorchModel } from "../../../src/engine/backend/torch/torchModel.ts";
import { WorkerClient } from "../../../src/engine/backend/torch/workerClient.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { testPython } from "../../python.ts";

/** Workers that take one model after the other: PyTorch alone takes seconds to import. */
export class TorchWorkers {
  private readonly idle: WorkerClient[] = [];
  private readonly terms = new OnnxContrastTerms();
  private readonly options: Pick<LoadOptions, "dtype" | "shard" | "recompute">;
  private readonly processes: number;

  constructor({
    processes = 1,
    ...options
  }: Partial<Pick<LoadOptions, "dtype" | "shard" | "recompute">> & { processes?: number } = {}) {
    this.options = { dtype: "float32", ...options };
    this.processes = processes;
  }

  /** Opens a model in a worker that has none. */
  async open(folder: string): Promise<TorchBackend> {
    const { architecture, weights } = await loadModel(folder);
    const client =
      this.idle.pop() ??
      (await WorkerClient.start({ python: testPython!, processes: this.processes, threads: 1 }));
    try {
      const load = { ...this.options, folder, architecture, weights, device: "cpu", threads: 1 } as const;
      const backend = new TorchBackend(await TorchModel.load(client, load), this.terms);
      backend.dispose = async () => void this.idle.push(client);
      return backend;
    } catch (error) {
      this.idle.push(client);
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const client of this.idle) await client.stop();
    await this.terms.dispose();
  }
}
