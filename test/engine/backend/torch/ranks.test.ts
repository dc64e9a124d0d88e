import { afterAll, describe } from "vitest";
import { skipWithoutTorch } from "../../../python.ts";
import { conformance } from "../conformance.ts";
import { TorchWorkers } from "../torchWorkers.ts";

const skipped = skipWithoutTorch("the PyTorch backend in several processes");

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers({ processes: 2 });
  conformance("torch in two processes", (folder) => workers.open(folder));
  afterAll(() => workers.stop());
});
