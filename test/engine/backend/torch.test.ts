import { afterAll, describe } from "vitest";
import { skipWhen } from "../../skip.ts";
import { conformance } from "./conformance.ts";
import { TorchWorkers, torchPython } from "./torchWorkers.ts";

const skipped = skipWhen(
  torchPython === null,
  "the PyTorch backend (no Python with torch and transformers; DISCERN_PYTHON names one)",
);

describe.skipIf(skipped)("PyTorch", () => {
  const workers = new TorchWorkers();
  conformance("torch", (folder) => workers.open(folder));
  afterAll(() => workers.stop());
});
