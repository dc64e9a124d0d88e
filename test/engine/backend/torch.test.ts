import { afterAll, describe } from "vitest";
import { goldenDirection } from "../../golden/direction.ts";
import { goldenGradients } from "../../golden/gradients.ts";
import { skipWithoutTorch } from "../../python.ts";
import { conformance } from "./conformance.ts";
import { conformanceOfGradients } from "./gradients.ts";
import { TorchWorkers } from "./torchWorkers.ts";

const skipped = skipWithoutTorch("the PyTorch backend");

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers();
  conformance("torch", (folder) => workers.open(folder));
  conformanceOfGradients("torch", (folder) => workers.open(folder), ["llama", "gemma2"]);
  goldenGradients("torch", (folder) => workers.open(folder));
  goldenDirection("torch", (folder) => workers.open(folder));
  afterAll(() => workers.stop());
});
