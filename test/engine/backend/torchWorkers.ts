import { TorchBackend } from "../../../src/engine/backend/torch/torchBackend.ts";
import { type LoadOptions, TorchModel } from "../../../src/engine/backend/torch/torchModel.ts";
import { WorkerClient } from "../../../src/engine/backend/torch/workerClient.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { choosePython } from "../../../src/engine/python/find.ts";

/** The Python that tests of the PyTorch backend run on; null where there is none. */
export const torchPython = await choosePython({}, "unused").then(
  ({ executable }) => executable,
  () => null,
);

/** Workers that take one model after the other: PyTorch alone takes seconds to import. */
export class TorchWorkers {
  private readonly idle: WorkerClient[] = [];
  private readonly options: Pick<LoadOptions, "dtype">;

  constructor(options: Pick<LoadOptions, "dtype"> = { dtype: "float32" }) {
    this.options = options;
  }

  /** Opens a model in a worker that has none. */
  async open(folder: string): Promise<TorchBackend> {
    const { architecture } = await loadModel(folder);
    const client = this.idle.pop() ?? (await WorkerClient.start({ python: torchPython! }));
    try {
      const load = { ...this.options, folder, architecture, device: "cpu", threads: 1 } as const;
      const backend = new TorchBackend(await TorchModel.load(client, load));
      backend.dispose = async () => void this.idle.push(client);
      return backend;
    } catch (error) {
      this.idle.push(client);
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const client of this.idle) await client.stop();
  }
}
