import { afterAll, describe } from "vitest";
import { goldenPath } from "../../golden/golden.ts";
import { skipWithoutTorch } from "../../python.ts";
import { conformance } from "./conformance.ts";
import { conformanceOfGradients } from "./gradientProducts.ts";
import { TorchWorkers } from "./torchWorkers.ts";

const skipped = skipWithoutTorch("the PyTorch backend");

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers();
  conformance("torch", (folder) => workers.open(folder));
  conformanceOfGradients(async (model, use) => {
    const backend = await workers.open(goldenPath("tiny", model));
    try {
      await use(backend);
    } finally {
      await backend.dispose();
    }
  });
  afterAll(() => workers.stop());
});
