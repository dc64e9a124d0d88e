import { afterAll, describe } from "vitest";
import { skipWithoutTorch } from "../../python.ts";
import { conformance } from "./conformance.ts";
import { TorchWorkers } from "./torchWorkers.ts";

const skipped = skipWithoutTorch("the PyTorch backend");

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers();
  conformance("torch", (folder) => workers.open(folder));
  afterAll(() => workers.stop());
});
